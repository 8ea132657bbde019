-- Called from publish, which forbids hash joins for its own few-row statements; this joins what may be a large delivery.
CREATE OR REPLACE FUNCTION attune.requeue_rest(
    p_chunks bigint[], p_jobs bigint[], p_verdicts smallint[], p_delays_ms bigint[], p_error_classes text[], p_messages text[]
) RETURNS int LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_hashjoin = on AS $$
#variable_conflict use_column
DECLARE
    v_count int;
BEGIN
    -- Chunks are looked up one by one, which OFFSET 0 sees to: a plan made while the table was small would hash the whole of
    -- it, and be kept. The hash join that is allowed here is between the jobs and what was said of them.
    -- Losing to another publish of the same user costs no try three times, then it does: nothing goes round for ever.
    WITH rest AS MATERIALIZED (
        SELECT r.chunk_id, r.job_id, coalesce(i.verdict, 9) AS verdict, i.error_class, i.message,
            CASE WHEN i.verdict = 7 OR (i.verdict = 10 AND r.superseded >= 3) THEN r.tries + 1 ELSE r.tries END::smallint AS tries,
            CASE WHEN i.verdict = 10 THEN (r.superseded + 1) % 4 ELSE r.superseded END::smallint AS superseded,
            CASE WHEN i.verdict IN (7, 8) AND i.delay_ms > 0 THEN i.delay_ms
                WHEN i.verdict = 10 AND r.superseded >= 3 THEN 1000 END AS delay_ms
        FROM attune.open_jobs(p_chunks) AS r
        LEFT JOIN unnest(p_jobs, p_verdicts, p_delays_ms, p_error_classes, p_messages)
            AS i (job_id, verdict, delay_ms, error_class, message) ON i.job_id = r.job_id AND i.verdict <> 0
    ), again AS MATERIALIZED (
        SELECT g.chunk_id, g.delay_ms, clock_timestamp() + make_interval(secs => g.delay_ms / 1000.0) AS run_at,
            attune.requeue(c.chunk, g.members, g.tries, g.superseded, clock_timestamp() + make_interval(secs => g.delay_ms / 1000.0),
                c.crashes, c.crash_workers) AS retry_chunk
        FROM (
            SELECT t.chunk_id, t.delay_ms, array_agg(t.job_id) AS members, array_agg(t.tries) AS tries,
                array_agg(t.superseded) AS superseded
            FROM (SELECT * FROM rest ORDER BY chunk_id, job_id) AS t GROUP BY t.chunk_id, t.delay_ms
        ) AS g
        CROSS JOIN LATERAL (
            SELECT n AS chunk, n.crashes, n.crash_workers FROM attune.chunk n WHERE n.chunk_id = g.chunk_id OFFSET 0) AS c
    ), said AS (
        INSERT INTO attune.attempt_log (tenant_id, chunk_id, attempt, job_id, worker_id, claimed_at, error_class, message, tries,
            runs_again_at)
        SELECT c.tenant_id, c.chunk_id, c.attempt, r.job_id, c.worker_id, c.claimed_at,
            CASE r.verdict WHEN 7 THEN coalesce(r.error_class, 'unnamed') WHEN 8 THEN 'snoozed' WHEN 10 THEN 'superseded'
                WHEN 11 THEN 'object_collected' ELSE 'handed_back' END,
            CASE WHEN r.verdict IN (7, 8) THEN r.message END, r.tries, a.run_at
        FROM rest r
        CROSS JOIN LATERAL (
            SELECT n.tenant_id, n.chunk_id, n.attempt, n.worker_id, n.claimed_at FROM attune.chunk n
            WHERE n.chunk_id = r.chunk_id OFFSET 0) AS c
        JOIN again a ON a.chunk_id = r.chunk_id AND a.delay_ms IS NOT DISTINCT FROM r.delay_ms
        RETURNING 1
    )
    SELECT count(*) INTO v_count FROM said;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.requeue_rest(bigint[], bigint[], smallint[], bigint[], text[], text[]) IS 'For chunks that the caller has locked and is closing: puts their jobs that have not ended into retry chunks, one a chunk and delay, and logs why. Returns how many jobs.';
