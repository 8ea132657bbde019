-- One job, one outcome, for ever: trying an ended job again makes a new job that says which one it repeats. The outcome's
-- row is the lock, so that asking twice makes one; a repetition that was itself discarded is repeated in its turn.
CREATE OR REPLACE FUNCTION attune.retry(job_id bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    v_id bigint := retry.job_id;
    v_job attune.job;
    v_chunk attune.chunk;
    v_open record;
    v_ending smallint;
    v_next bigint;
    v_new bigint;
BEGIN
    SELECT j.* INTO v_job FROM attune.job j WHERE j.job_id = v_id;
    PERFORM attune.require_job(v_id, v_job.tenant_id);
    FOR round IN 1 .. 1000 LOOP
        SELECT o.ending INTO v_ending FROM attune.outcome o WHERE o.job_id = v_id FOR NO KEY UPDATE;
        IF v_ending IN (1, 2, 3, 4) AND v_id = retry.job_id THEN
            PERFORM attune.refuse('already_ended', format('job %s', v_id),
                format('it ended as %s, which needs no retry', attune.ending_name(v_ending)), 'enqueue a new job for the user');
        ELSIF v_ending IN (1, 2, 3, 4) THEN
            RETURN v_id;
        ELSIF v_ending IS NOT NULL THEN
            SELECT min(j.job_id) INTO v_next FROM attune.job j WHERE j.retry_of = v_id;
            IF v_next IS NOT NULL THEN
                v_id := v_next;
                CONTINUE;
            END IF;
            SELECT j.* INTO v_job FROM attune.job j WHERE j.job_id = v_id;
            v_new := nextval('attune.chunk_id_seq');
            INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, job_count, cost_ms)
            VALUES (v_new, attune.fair_tag(v_job.flow_id, 1), attune.lane_for(hashint8(v_job.uid)::bigint & 2147483647),
                v_job.tenant_id, v_job.flow_id, v_job.campaign_id, v_job.kind_id, 1, v_job.cost_ms);
            INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, campaign_id, kind_id, cost_ms, retry_of, trace, payload)
            VALUES (v_new * 1024, v_job.uid, v_job.tenant_id, v_job.flow_id, v_job.campaign_id, v_job.kind_id, v_job.cost_ms,
                v_job.job_id, v_job.trace, v_job.payload);
            IF pg_has_role(attune.caller(), 'attune_operator', 'USAGE') THEN
                PERFORM attune.note_action('retry', v_job.tenant_id, jsonb_build_object('job', retry.job_id), jsonb_build_object('runs', v_new * 1024));
            END IF;
            RETURN v_new * 1024;
        END IF;
        -- As in attune.cancel: while this waited for the chunk, the job may have ended or moved on.
        SELECT c.* INTO v_chunk FROM attune.chunk c WHERE c.chunk_id = attune.job_chunk(v_id) FOR UPDATE;
        CONTINUE WHEN v_chunk.chunk_id IS NULL OR v_chunk.state = 4
            OR EXISTS (SELECT FROM attune.outcome o WHERE o.job_id = v_id);
        IF v_chunk.state = 2 THEN
            SELECT array_agg(o.job_id) AS members, array_agg(0::smallint) AS tries, array_agg(o.superseded) AS superseded
            INTO v_open FROM attune.open_jobs(ARRAY[v_chunk.chunk_id]) AS o;
            PERFORM attune.requeue(v_chunk, v_open.members, v_open.tries, v_open.superseded, NULL, v_chunk.crashes,
                v_chunk.crash_workers);
            UPDATE attune.chunk c SET state = 4, token = NULL WHERE c.chunk_id = v_chunk.chunk_id;
        END IF;
        RETURN v_id;
    END LOOP;
    RAISE EXCEPTION 'job %: job_without_chunk: it has neither ended nor is it in an open chunk', v_id USING ERRCODE = 'XX000';
END
$$;
COMMENT ON FUNCTION attune.retry(bigint) IS 'Runs a job again now: one that waits for its time goes at once, together with its chunk; one that was discarded or cancelled is enqueued as a new job with fresh tries, once: asked again, the same new job is the answer. Returns the id of the job that will run.';
