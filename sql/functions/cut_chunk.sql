CREATE OR REPLACE FUNCTION attune.cut_chunk(p_chunk bigint, p_take int, p_most int) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_first bigint;
BEGIN
    WITH open AS (
        SELECT o.job_id, o.tries, o.superseded,
            greatest(0, (row_number() OVER (ORDER BY o.job_id) - 1 - p_take + p_most) / p_most) AS part
        FROM attune.open_jobs(ARRAY[p_chunk]) AS o
    ), part AS (
        SELECT o.part, array_agg(o.job_id ORDER BY o.job_id) AS members, array_agg(o.tries ORDER BY o.job_id) AS tries,
            array_agg(o.superseded ORDER BY o.job_id) AS superseded
        FROM open o GROUP BY o.part
    ), made AS (
        INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, state, job_count, cost_ms,
            crashes, waits, members, tries, superseded, crash_workers)
        SELECT nextval('attune.chunk_id_seq'), c.sort_key, c.lane, c.tenant_id, c.flow_id, c.campaign_id, c.kind_id,
            CASE p.part WHEN 0 THEN 0 ELSE 3 END, cardinality(p.members), c.cost_ms * cardinality(p.members) / c.job_count,
            c.crashes, c.waits, p.members, p.tries, p.superseded, c.crash_workers
        FROM (SELECT * FROM part ORDER BY part) AS p, attune.chunk c WHERE c.chunk_id = p_chunk
        RETURNING chunk_id, state
    )
    SELECT m.chunk_id INTO v_first FROM made m WHERE m.state = 0;
    UPDATE attune.chunk c SET state = 4, token = NULL WHERE c.chunk_id = p_chunk;
    RETURN v_first;
END
$$;
COMMENT ON FUNCTION attune.cut_chunk(bigint, int, int) IS 'Closes a chunk that the caller has locked and goes on with its open jobs in new ones: the first so many ready in one, whose id is returned, the others parked in parts of at most so many.';
