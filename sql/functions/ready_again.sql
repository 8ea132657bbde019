-- Rule 6: what becomes ready again does so as a new chunk with a current key, never as an old row with an old one.
--
-- A job that its producer put off joins its flow now: it takes its place in the flow's sequence, and its key until then
-- is its priority's bonus, below zero. What has had its place before (a retry, a parked chunk) keeps it if virtual time
-- has not passed it; else it goes into the flow's second stream. Without that a thousand of them would share one tag and
-- all come before everybody else's next job.
CREATE OR REPLACE FUNCTION attune.ready_again(p_chunks bigint[]) RETURNS int LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_flow record;
    v_tag bigint;
    v_ids bigint[] := '{}';
    v_keys bigint[] := '{}';
    v_made int;
BEGIN
    FOR v_flow IN
        SELECT c.flow_id, f.weight, c.members IS NULL AND c.waits = 0 AND c.state = 2 AS is_first, sum(c.job_count) AS jobs,
            array_agg(c.chunk_id ORDER BY c.sort_key, c.chunk_id) AS ids
        FROM unnest(p_chunks) AS i (id) JOIN attune.chunk c ON c.chunk_id = i.id JOIN attune.flow f ON f.flow_id = c.flow_id
        GROUP BY c.flow_id, f.weight, is_first ORDER BY c.flow_id, is_first
    LOOP
        IF v_flow.is_first THEN
            v_tag := attune.fair_tag(v_flow.flow_id, v_flow.jobs);
        ELSE
            INSERT INTO attune.flow_late AS l (flow_id, late_tag)
            SELECT v_flow.flow_id, k.virtual_time + (v_flow.jobs * 1000.0 / v_flow.weight)::bigint FROM attune.fair_clock k
            ON CONFLICT (flow_id) DO UPDATE SET
                late_tag = greatest(l.late_tag, (SELECT k.virtual_time FROM attune.fair_clock k))
                    + (v_flow.jobs * 1000.0 / v_flow.weight)::bigint
            RETURNING l.late_tag - (v_flow.jobs * 1000.0 / v_flow.weight)::bigint INTO v_tag;
        END IF;
        SELECT v_ids || array_agg(n.chunk_id), v_keys || array_agg(
            CASE WHEN v_flow.is_first THEN n.fair_key + least(n.sort_key, 0) ELSE greatest(n.sort_key, n.fair_key) END)
        INTO v_ids, v_keys
        FROM (
            SELECT c.chunk_id, c.sort_key, v_tag + ((sum(c.job_count) OVER (ORDER BY i.pos) - c.job_count)
                * 1000.0 / v_flow.weight)::bigint AS fair_key
            FROM unnest(v_flow.ids) WITH ORDINALITY AS i (id, pos) JOIN attune.chunk c ON c.chunk_id = i.id
        ) AS n;
    END LOOP;
    WITH open AS MATERIALIZED (
        SELECT o.chunk_id, array_agg(o.job_id) AS members, array_agg(o.tries) AS tries, array_agg(o.superseded) AS superseded
        FROM attune.open_jobs(v_ids) AS o GROUP BY o.chunk_id
    )
    INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, job_count, cost_ms,
        crashes, waits, members, tries, superseded, crash_workers)
    SELECT nextval('attune.chunk_id_seq'), k.key, c.lane, c.tenant_id, c.flow_id, c.campaign_id, c.kind_id,
        cardinality(o.members), c.cost_ms * cardinality(o.members) / c.job_count, c.crashes, c.waits, o.members, o.tries,
        o.superseded, c.crash_workers
    FROM unnest(v_ids, v_keys) AS k (id, key) JOIN attune.chunk c ON c.chunk_id = k.id JOIN open o ON o.chunk_id = k.id
    ORDER BY k.key;
    GET DIAGNOSTICS v_made = ROW_COUNT;
    UPDATE attune.chunk c SET state = 4, token = NULL WHERE c.chunk_id = ANY (p_chunks);
    RETURN v_made;
END
$$;
COMMENT ON FUNCTION attune.ready_again(bigint[]) IS 'Closes deferred or parked chunks, which the caller has locked, and puts what of their jobs has not ended into new ready chunks with current keys; returns how many chunks it made.';
