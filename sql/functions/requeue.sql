-- In plpgsql, whose plan is kept: a function in SQL is planned at each call.
--
-- The key is the old one, or the virtual time if that has passed it: who waited once does not queue again behind a bulk.
CREATE OR REPLACE FUNCTION attune.requeue(
    p_source attune.chunk, p_members bigint[], p_tries smallint[], p_superseded smallint[], p_run_at timestamptz,
    p_crashes int, p_crash_workers bigint[]
) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_chunk bigint;
BEGIN
    INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, state, job_count, cost_ms,
        crashes, waits, run_at, members, tries, superseded, crash_workers)
    SELECT nextval('attune.chunk_id_seq'), greatest(p_source.sort_key, f.virtual_time), p_source.lane, p_source.tenant_id,
        p_source.flow_id, p_source.campaign_id, p_source.kind_id, CASE WHEN p_run_at IS NULL THEN 0 ELSE 2 END,
        cardinality(p_members), p_source.cost_ms * cardinality(p_members) / p_source.job_count, least(p_crashes, 1000),
        p_source.waits, p_run_at, p_members, p_tries, p_superseded, p_crash_workers
    FROM attune.fair_clock f
    RETURNING chunk_id INTO v_chunk;
    RETURN v_chunk;
END
$$;
COMMENT ON FUNCTION attune.requeue(attune.chunk, bigint[], smallint[], smallint[], timestamptz, int, bigint[]) IS 'Puts jobs of a chunk that is being closed into a new chunk: ready, or deferred until a time.';
