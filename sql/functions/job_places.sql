-- As attune.job_place, for many jobs at once: one look at each job's own chunk, one at the retry chunks that list the rest.
-- For functions that have checked the tenant.
CREATE OR REPLACE FUNCTION attune.job_places(p_jobs bigint[]) RETURNS TABLE (job_id bigint, state text, worker text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    v_held record;
    v_listed bigint[];
BEGIN
    SELECT array_agg(i.id) FILTER (WHERE c.chunk_id IS NOT NULL) AS ids, array_agg(c.state) FILTER (WHERE c.chunk_id IS NOT NULL) AS states,
        array_agg(c.crashes) FILTER (WHERE c.chunk_id IS NOT NULL) AS crashes,
        array_agg(c.worker_id) FILTER (WHERE c.chunk_id IS NOT NULL) AS workers, array_agg(i.id) FILTER (WHERE c.chunk_id IS NULL) AS rest
    INTO v_held
    -- OFFSET 0 keeps this a look a job: merged with the chunks, all that there are would be read.
    FROM unnest(p_jobs) AS i (id) LEFT JOIN LATERAL (
        SELECT n.chunk_id, n.state, n.crashes, n.worker_id FROM attune.chunk n
        WHERE n.chunk_id = i.id >> 10 AND n.state <> 4 AND n.members IS NULL OFFSET 0) AS c ON true;
    v_listed := v_held.rest;
    RETURN QUERY
    SELECT p.id, CASE
            WHEN p.state = 1 THEN 'running'
            WHEN p.state = 2 AND (p.crashes > 0 OR p.tries > 0) THEN 'retryable'
            WHEN p.state = 2 THEN 'scheduled'
            ELSE 'available'
        END, w.name
    FROM (
        SELECT o.id, o.state, o.crashes, 0 AS tries, o.worker_id
        FROM unnest(v_held.ids, v_held.states, v_held.crashes, v_held.workers) AS o (id, state, crashes, worker_id)
        UNION ALL
        (SELECT DISTINCT ON (i.id) i.id, c.state, c.crashes, m.tries, c.worker_id
        FROM attune.chunk c CROSS JOIN LATERAL unnest(c.members, c.tries) AS m (id, tries) JOIN unnest(v_listed) AS i (id) ON i.id = m.id
        WHERE c.members && v_listed AND c.members IS NOT NULL AND c.state <> 4
        ORDER BY i.id, c.chunk_id DESC)
    ) AS p LEFT JOIN attune.worker w ON w.worker_id = CASE WHEN p.state = 1 THEN p.worker_id END;
END
$$;
COMMENT ON FUNCTION attune.job_places(bigint[]) IS 'Where jobs that have not ended stand: state, and who has them.';
