-- Set-wise twin of what attune.retry does for one ended job: cut into chunks as a bulk is, at the end of their flows.
-- The outcomes are locked in the order of ids; what has a repetition already gets no second one.
CREATE OR REPLACE FUNCTION attune.retry_as_new(p_jobs bigint[]) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_group record;
    v_new bigint[];
    v_each int;
    v_count int;
    v_tag bigint;
    v_weight real;
    v_total bigint := 0;
BEGIN
    PERFORM o.job_id FROM attune.outcome o WHERE o.job_id = ANY (p_jobs) ORDER BY o.job_id FOR NO KEY UPDATE;
    FOR v_group IN
        SELECT j.tenant_id, j.flow_id, j.kind_id, j.campaign_id, array_agg(j.job_id ORDER BY j.job_id) AS ids, max(j.cost_ms) AS cost
        FROM attune.job j JOIN attune.outcome o ON o.job_id = j.job_id AND o.ending >= 5
        WHERE j.job_id = ANY (p_jobs) AND NOT EXISTS (SELECT FROM attune.job r WHERE r.retry_of = j.job_id)
        GROUP BY j.tenant_id, j.flow_id, j.kind_id, j.campaign_id ORDER BY 1, 2, 3, 4
    LOOP
        v_count := cardinality(v_group.ids);
        SELECT greatest(1, least(s.chunk_jobs, floor(s.chunk_cost_ms / v_group.cost)))::int INTO v_each FROM attune.setting s;
        SELECT f.weight INTO v_weight FROM attune.flow f WHERE f.flow_id = v_group.flow_id;
        PERFORM attune.add_partitions(1, v_count / v_each + 1);
        SELECT array_agg(nextval('attune.chunk_id_seq')) INTO v_new FROM generate_series(1, (v_count + v_each - 1) / v_each);
        v_tag := attune.fair_tag(v_group.flow_id, v_count);
        INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, job_count, cost_ms)
        SELECT p.id, v_tag + ((p.pos - 1) * v_each * 1000.0 / v_weight)::bigint, attune.lane_for(p.id), v_group.tenant_id, v_group.flow_id,
            v_group.campaign_id, v_group.kind_id, n.jobs, n.jobs * v_group.cost
        FROM unnest(v_new) WITH ORDINALITY AS p (id, pos)
        CROSS JOIN LATERAL (SELECT least(v_each, v_count - (p.pos - 1) * v_each)::int AS jobs) AS n;
        INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, campaign_id, kind_id, cost_ms, retry_of, trace, payload)
        SELECT v_new[(i.pos - 1) / v_each + 1] * 1024 + (i.pos - 1) % v_each, j.uid, j.tenant_id, j.flow_id, j.campaign_id, j.kind_id,
            j.cost_ms, j.job_id, j.trace, j.payload
        FROM unnest(v_group.ids) WITH ORDINALITY AS i (id, pos) JOIN attune.job j ON j.job_id = i.id;
        v_total := v_total + v_count;
    END LOOP;
    RETURN v_total;
END
$$;
COMMENT ON FUNCTION attune.retry_as_new(bigint[]) IS 'Enqueues ended jobs again as new jobs with fresh tries, unless they were before; returns how many.';
