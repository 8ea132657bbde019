-- The chunk goes on as a new one, put off longer each time that nobody was found, in a lane of a worker that holds its
-- base where there is one. It costs the jobs no try.
CREATE OR REPLACE FUNCTION attune.pass_on(p_chunks bigint[], p_attempts int[], p_tokens uuid[], p_class text, p_message text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_bitmapscan = off AS $$
DECLARE
    v_chunk attune.chunk;
    v_open record;
    v_lane int;
    v_run_at timestamptz;
    v_count int := 0;
BEGIN
    FOR v_chunk IN
        SELECT c.* FROM unnest(p_chunks, p_attempts, p_tokens) AS i (chunk_id, attempt, token)
        JOIN attune.chunk c ON c.chunk_id = i.chunk_id
        WHERE c.attempt = i.attempt AND c.token = i.token AND c.state + 0 = 1  -- by its id: not by an index of all that is leased
        ORDER BY c.chunk_id FOR UPDATE OF c
    LOOP
        SELECT l.lane_id INTO v_lane FROM attune.base b
        JOIN attune.worker_base h ON h.digest = b.digest
        JOIN attune.worker w ON w.worker_id = h.worker_id AND w.state = 'active' AND w.lease_until > clock_timestamp()
        JOIN attune.lane l ON l.owner = w.worker_id
        WHERE b.base_id = v_chunk.base_id ORDER BY random() LIMIT 1;
        v_run_at := clock_timestamp() + make_interval(secs =>
            CASE WHEN v_lane IS NULL THEN least(60, 2 * 2 ^ least(v_chunk.waits, 5)) ELSE 0.2 END);
        SELECT array_agg(o.job_id) AS members, array_agg(o.tries) AS tries, array_agg(o.superseded) AS superseded
        INTO v_open FROM attune.open_jobs(ARRAY[v_chunk.chunk_id]) AS o;
        IF v_open.members IS NOT NULL THEN
            INSERT INTO attune.attempt_log (tenant_id, chunk_id, attempt, job_id, worker_id, claimed_at, error_class, message, tries,
                runs_again_at)
            SELECT v_chunk.tenant_id, v_chunk.chunk_id, v_chunk.attempt, o.id, v_chunk.worker_id, v_chunk.claimed_at, p_class,
                p_message, o.tries, v_run_at
            FROM unnest(v_open.members, v_open.tries) AS o (id, tries);
            v_chunk.lane := coalesce(v_lane, v_chunk.lane);
            v_chunk.waits := least(v_chunk.waits + 1, 1000);
            PERFORM attune.requeue(v_chunk, v_open.members, v_open.tries, v_open.superseded, v_run_at, v_chunk.crashes,
                v_chunk.crash_workers);
        END IF;
        UPDATE attune.chunk c SET state = 4, token = NULL WHERE c.chunk_id = v_chunk.chunk_id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.pass_on(bigint[], int[], uuid[], text, text) IS 'Gives chunks whose fence holds to a worker that holds their base: into one of its lanes at once, or, when there is none, back for a while that grows. Returns how many chunks.';
