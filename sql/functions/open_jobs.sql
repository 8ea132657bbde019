-- For chunks whose rows the caller has locked: no outcome of theirs can appear meanwhile. In plpgsql, whose plans are kept: a
-- function in SQL is planned at each call, over every partition of job and outcome.
CREATE OR REPLACE FUNCTION attune.open_jobs(p_chunks bigint[])
RETURNS TABLE (chunk_id bigint, job_id bigint, uid bigint, tries smallint, superseded smallint) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.chunk_id, j.job_id, j.uid, j.tries, j.superseded
    FROM unnest(p_chunks) AS i (id) JOIN attune.chunk c ON c.chunk_id = i.id
    CROSS JOIN LATERAL (
        SELECT h.job_id, h.uid, 0::smallint AS tries, 0::smallint AS superseded FROM attune.job h
        WHERE c.members IS NULL AND h.job_id >= c.chunk_id * 1024 AND h.job_id < c.chunk_id * 1024 + 1024
        UNION ALL
        SELECT m.job_id, m.uid, x.tries, x.superseded
        FROM unnest(c.members, c.tries, c.superseded) AS x (id, tries, superseded) JOIN attune.job m ON m.job_id = x.id
    ) AS j
    WHERE NOT EXISTS (SELECT FROM attune.outcome o WHERE o.job_id = j.job_id)
    ORDER BY c.chunk_id, j.job_id;
END
$$;
COMMENT ON FUNCTION attune.open_jobs(bigint[]) IS 'Jobs of these chunks that have not ended.';
