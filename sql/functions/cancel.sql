CREATE OR REPLACE FUNCTION attune.cancel(job_id bigint) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    v_job attune.job;
    v_chunk attune.chunk;
    v_ending smallint;
BEGIN
    SELECT j.* INTO v_job FROM attune.job j WHERE j.job_id = cancel.job_id;
    PERFORM attune.require_job(cancel.job_id, v_job.tenant_id);
    FOR round IN 1 .. 100 LOOP
        SELECT o.ending INTO v_ending FROM attune.outcome o WHERE o.job_id = cancel.job_id;
        IF FOUND THEN
            RETURN attune.ending_name(v_ending);
        END IF;
        -- Whoever writes an outcome holds the chunk. While this waited for it, the job may have ended or moved on.
        SELECT c.* INTO v_chunk FROM attune.chunk c WHERE c.chunk_id = attune.job_chunk(cancel.job_id) FOR UPDATE;
        CONTINUE WHEN v_chunk.chunk_id IS NULL OR v_chunk.state = 4
            OR EXISTS (SELECT FROM attune.outcome o WHERE o.job_id = cancel.job_id);
        INSERT INTO attune.outcome (job_id, chunk_id, tenant_id, attempt, ending, tries, worker_id, claimed_at)
        VALUES (cancel.job_id, v_chunk.chunk_id, v_job.tenant_id, v_chunk.attempt, 5,
            coalesce(v_chunk.tries[array_position(v_chunk.members, cancel.job_id)], 0), v_chunk.worker_id, v_chunk.claimed_at);
        UPDATE attune.chunk c SET ended_count = c.ended_count + 1,
            state = CASE WHEN c.state <> 1 AND c.ended_count + 1 = c.job_count THEN 4 ELSE c.state END
        WHERE c.chunk_id = v_chunk.chunk_id;
        PERFORM attune.count_ending(v_job.tenant_id, v_job.flow_id, v_job.kind_id, 5, 1);
        IF v_chunk.state IN (0, 3) THEN
            INSERT INTO attune.flow_refund (flow_id, jobs) VALUES (v_chunk.flow_id, 1);
        END IF;
        IF pg_has_role(attune.caller(), 'attune_operator', 'USAGE') THEN
            PERFORM attune.note_action('cancel', v_job.tenant_id, jsonb_build_object('job', cancel.job_id), '{"cancelled": 1}');
        END IF;
        RETURN 'cancelled';
    END LOOP;
    RAISE EXCEPTION 'job %: job_without_chunk: it has neither ended nor is it in an open chunk', cancel.job_id USING ERRCODE = 'XX000';
END
$$;
COMMENT ON FUNCTION attune.cancel(bigint) IS 'Cancels a job that waits or runs: what a worker still does for it changes nothing. Jobs that were merged into it end with it; attune.retry of this one starts their work anew. Returns the job''s terminal state, which is another one if it had ended before.';
