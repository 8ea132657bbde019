-- Each job is a chunk of its own, in a lane of its own: shards of one step are to meet different workers. In the interactive
-- flow, because each step waits for the one before: there are never more of them than folds times shards, and behind a
-- tenant's own bulk of a million none would come to its turn for hours.
CREATE OR REPLACE FUNCTION attune.enqueue_gradients(run bigint, payloads bytea[], cost_ms real) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_tenant int;
    v_name text;
    v_flow int;
    v_weight real;
    v_count int := coalesce(cardinality(enqueue_gradients.payloads), 0);
    v_longest int := (SELECT max(length(p)) FROM unnest(enqueue_gradients.payloads) AS p);
    v_tag bigint;
    v_chunks bigint[];
BEGIN
    SELECT r.tenant_id, t.name INTO v_tenant, v_name FROM attune.meta_run r JOIN attune.tenant t ON t.tenant_id = r.tenant_id
    WHERE r.run_id = enqueue_gradients.run;
    PERFORM attune.require_tenant(v_name, 'produce');
    IF v_longest IS NULL OR array_position(enqueue_gradients.payloads, NULL) IS NOT NULL OR v_longest > 65536 THEN
        PERFORM attune.refuse('bad_payload', v_name, format('%s payloads, the longest of %s bytes', v_count, v_longest),
            'give each gradient a payload of at most 65536 bytes');
    ELSIF NOT coalesce(enqueue_gradients.cost_ms > 0 AND enqueue_gradients.cost_ms <= 3600000, false) THEN
        PERFORM attune.refuse('bad_cost', v_name, format('a cost of %s ms', enqueue_gradients.cost_ms),
            'give milliseconds above 0, at most an hour');
    END IF;
    SELECT f.flow_id, f.weight INTO v_flow, v_weight FROM attune.flow f WHERE f.tenant_id = v_tenant AND f.name = 'interactive';
    UPDATE attune.meta_run r SET seen_at = clock_timestamp()
    WHERE r.run_id = enqueue_gradients.run AND r.seen_at < clock_timestamp() - interval '1 minute';
    SELECT array_agg(nextval('attune.chunk_id_seq')) INTO v_chunks FROM generate_series(1, v_count);
    v_tag := attune.fair_tag(v_flow, v_count);
    INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, job_count, cost_ms)
    SELECT i.id, v_tag + ((i.pos - 1) * 1000.0 / v_weight)::bigint, attune.lane_for(i.id), v_tenant, v_flow, 2, 1,
        enqueue_gradients.cost_ms
    FROM unnest(v_chunks) WITH ORDINALITY AS i (id, pos);
    INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms, payload)
    SELECT i.id * 1024, 0, v_tenant, v_flow, 2, enqueue_gradients.cost_ms, i.payload
    FROM unnest(v_chunks, enqueue_gradients.payloads) AS i (id, payload);
    RETURN ARRAY(SELECT i.id * 1024 FROM unnest(v_chunks) WITH ORDINALITY AS i (id, pos) ORDER BY i.pos);
END
$$;
COMMENT ON FUNCTION attune.enqueue_gradients(bigint, bytea[], real) IS 'Asks for gradients of a meta-training, one job a payload; returns their ids in order. The outcome of each names the object that holds the gradient.';
