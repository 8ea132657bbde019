-- An outage is not a crash: until one lease after the database came up, nobody had a chance to send a heartbeat.
CREATE OR REPLACE FUNCTION attune.rescue(p_limit int DEFAULT 100)
RETURNS TABLE (chunk_id bigint, worker_id bigint, error_class text, requeued int, discarded int)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    v_chunk attune.chunk;
    v_lease interval;
    -- A variable, since an index is not searched by what may change while it is: all that is leased would be read.
    v_now timestamptz := clock_timestamp();
    v_alive int;
    v_crashes int;
    v_holders bigint[];
    v_run_at timestamptz;
    v_class text;
    v_open record;
    v_job record;
BEGIN
    SELECT make_interval(secs => s.lease_seconds) INTO v_lease FROM attune.setting s;
    IF clock_timestamp() < pg_postmaster_start_time() + v_lease THEN
        RETURN;
    END IF;
    SELECT count(*) INTO v_alive FROM attune.worker w WHERE w.state <> 'stopped' AND w.lease_until > clock_timestamp();
    FOR v_chunk IN
        SELECT c.* FROM attune.chunk c
        WHERE c.state + 0 = 1 AND c.chunk_id = ANY (ARRAY(
            -- Worker by worker: all leased chunks are never read through.
            (SELECT d.chunk_id FROM attune.worker w CROSS JOIN LATERAL (
                SELECT n.chunk_id FROM attune.chunk n WHERE n.worker_id = w.worker_id AND n.state = 1 AND n.deadline < v_now
                LIMIT p_limit) AS d
             WHERE w.state <> 'stopped' LIMIT p_limit)
            UNION ALL
            (SELECT h.chunk_id FROM attune.worker w CROSS JOIN LATERAL (
                SELECT n.chunk_id FROM attune.chunk n WHERE n.worker_id = w.worker_id AND n.state = 1 LIMIT p_limit) AS h
             WHERE w.lease_until < v_now LIMIT p_limit)))
        ORDER BY c.chunk_id LIMIT p_limit FOR UPDATE OF c SKIP LOCKED
    LOOP
        -- Judged again now that the row is locked: its worker may have come back since it was chosen.
        SELECT CASE WHEN w.lease_until < clock_timestamp() THEN 'lease_expired'
            WHEN v_chunk.deadline < clock_timestamp() THEN 'deadline_passed' END
        INTO v_class FROM attune.worker w WHERE w.worker_id = v_chunk.worker_id;
        CONTINUE WHEN v_class IS NULL;
        v_crashes := v_chunk.crashes + 1;
        v_holders := coalesce(v_chunk.crash_workers, '{}') || v_chunk.worker_id;
        v_run_at := CASE WHEN v_crashes > 1 THEN clock_timestamp() + make_interval(secs => least(60, 2 ^ least(v_crashes, 6))) END;
        SELECT array_agg(o.job_id) AS members, array_agg(o.tries) AS tries, array_agg(o.superseded) AS superseded,
            coalesce(count(*), 0)::int AS jobs
        INTO v_open FROM attune.open_jobs(ARRAY[v_chunk.chunk_id]) AS o;
        requeued := v_open.jobs;
        discarded := 0;
        IF v_open.jobs = 1 AND v_crashes >= 3
            AND (v_alive <= 1 OR (SELECT count(DISTINCT h) FROM unnest(v_holders) AS h) >= 2) THEN
            INSERT INTO attune.outcome (job_id, chunk_id, tenant_id, attempt, ending, tries, worker_id, claimed_at,
                error_class, message)
            SELECT o.job_id, v_chunk.chunk_id, v_chunk.tenant_id, v_chunk.attempt, 6, o.tries, v_chunk.worker_id,
                v_chunk.claimed_at, 'worker_crashed', format('%s leases of it ended without a word from %s workers, the last from %s',
                    v_crashes, (SELECT count(DISTINCT h) FROM unnest(v_holders) AS h), v_chunk.worker_id)
            FROM attune.open_jobs(ARRAY[v_chunk.chunk_id]) AS o;
            requeued := 0;
            discarded := 1;
        ELSIF v_open.jobs > 0 AND v_crashes >= 2 THEN
            -- One of them may be what kills workers: each alone from now on, so that it takes nobody with it.
            FOR v_job IN SELECT o.* FROM attune.open_jobs(ARRAY[v_chunk.chunk_id]) AS o LOOP
                PERFORM attune.requeue(v_chunk, ARRAY[v_job.job_id], ARRAY[v_job.tries], ARRAY[v_job.superseded], v_run_at,
                    v_crashes, v_holders);
            END LOOP;
        ELSIF v_open.jobs > 0 THEN
            PERFORM attune.requeue(v_chunk, v_open.members, v_open.tries, v_open.superseded, v_run_at, v_crashes, v_holders);
        END IF;
        INSERT INTO attune.attempt_log (tenant_id, chunk_id, attempt, job_id, worker_id, claimed_at, error_class, tries, runs_again_at)
        SELECT v_chunk.tenant_id, v_chunk.chunk_id, v_chunk.attempt, o.id, v_chunk.worker_id, v_chunk.claimed_at, v_class, o.tries,
            CASE discarded WHEN 0 THEN coalesce(v_run_at, clock_timestamp()) END
        FROM unnest(v_open.members, v_open.tries) AS o (id, tries);
        -- No token stays on it: the lost worker must not take this for its own publish.
        UPDATE attune.chunk c SET state = 4, token = NULL WHERE c.chunk_id = v_chunk.chunk_id;
        PERFORM attune.count_ending(v_chunk.tenant_id, v_chunk.flow_id, v_chunk.kind_id, 0, requeued),
            attune.count_ending(v_chunk.tenant_id, v_chunk.flow_id, v_chunk.kind_id, 6, discarded);
        chunk_id := v_chunk.chunk_id;
        worker_id := v_chunk.worker_id;
        error_class := v_class;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION attune.rescue(int) IS 'Takes back chunks whose worker''s lease has run out or whose deadline has passed, at most that many; counts a crash for their lineage. At two crashes every job goes on alone; a single job is discarded at three on two workers (or when at most one worker lives).';
