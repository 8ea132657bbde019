-- Views run as who asks, and nobody but workers and operators may read chunks, which hold the fences: this function reads
-- them for everyone, and checks the tenant itself.
CREATE OR REPLACE FUNCTION attune.job_place(p_job bigint, p_tenant int) RETURNS TABLE (
    state text, chunk_id bigint, attempt int, tries smallint, worker text, claimed_at timestamptz, run_at timestamptz
) LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
    SELECT CASE
            WHEN c.state = 1 THEN 'running'
            WHEN c.state = 2 AND (c.crashes > 0 OR t.tries > 0) THEN 'retryable'
            WHEN c.state = 2 THEN 'scheduled'
            ELSE 'available'
        END,
        c.chunk_id, c.attempt, t.tries, w.name, c.claimed_at, c.run_at
    FROM attune.chunk c
    CROSS JOIN LATERAL (SELECT coalesce(c.tries[array_position(c.members, p_job)], 0::smallint) AS tries) AS t
    LEFT JOIN attune.worker w ON w.worker_id = c.worker_id AND c.state = 1
    WHERE c.chunk_id = attune.job_chunk(p_job) AND c.tenant_id = p_tenant
        AND (pg_has_role(attune.caller(), current_user, 'USAGE') OR pg_has_role(attune.caller(), 'attune_operator', 'USAGE')
            OR pg_has_role(attune.caller(), 'attune_worker', 'USAGE')
            OR p_tenant = ANY (attune.tenants_of(attune.caller())))
$$;
COMMENT ON FUNCTION attune.job_place(bigint, int) IS 'Where a job of a tenant stands that has not ended: state, chunk, attempt, worker.';
