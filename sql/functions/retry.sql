CREATE OR REPLACE FUNCTION attune.retry(job_id bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_job attune.job;
    v_chunk attune.chunk;
    v_open record;
    v_ending smallint;
    v_new bigint;
BEGIN
    SELECT j.* INTO v_job FROM attune.job j WHERE j.job_id = retry.job_id;
    PERFORM attune.require_job(retry.job_id, v_job.tenant_id);
    FOR round IN 1 .. 100 LOOP
        SELECT o.ending INTO v_ending FROM attune.outcome o WHERE o.job_id = retry.job_id;
        IF v_ending IN (1, 2, 3, 4) THEN
            PERFORM attune.refuse('already_ended', format('job %s', retry.job_id),
                format('it ended as %s, which needs no retry', attune.ending_name(v_ending)), 'enqueue a new job for the user');
        ELSIF v_ending IS NOT NULL THEN
            -- One job, one outcome, for ever: trying again is a new job that says which one it repeats.
            v_new := nextval('attune.chunk_id_seq');
            INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, job_count, cost_ms)
            VALUES (v_new, attune.fair_tag(v_job.flow_id, 1), attune.lane_for(hashint8(v_job.uid)::bigint & 2147483647),
                v_job.tenant_id, v_job.flow_id, v_job.campaign_id, v_job.kind_id, 1, v_job.cost_ms);
            INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, campaign_id, kind_id, cost_ms, retry_of, trace, payload)
            VALUES (v_new * 1024, v_job.uid, v_job.tenant_id, v_job.flow_id, v_job.campaign_id, v_job.kind_id, v_job.cost_ms,
                v_job.job_id, v_job.trace, v_job.payload);
            RETURN v_new * 1024;
        END IF;
        -- As in attune.cancel: while this waited for the chunk, the job may have ended or moved on.
        SELECT c.* INTO v_chunk FROM attune.chunk c WHERE c.chunk_id = attune.job_chunk(retry.job_id) FOR UPDATE;
        CONTINUE WHEN v_chunk.chunk_id IS NULL OR v_chunk.state = 4
            OR EXISTS (SELECT FROM attune.outcome o WHERE o.job_id = retry.job_id);
        IF v_chunk.state = 2 THEN
            SELECT array_agg(o.job_id) AS members, array_agg(0::smallint) AS tries, array_agg(o.superseded) AS superseded
            INTO v_open FROM attune.open_jobs(ARRAY[v_chunk.chunk_id]) AS o;
            PERFORM attune.requeue(v_chunk, v_open.members, v_open.tries, v_open.superseded, NULL, v_chunk.crashes,
                v_chunk.crash_workers);
            UPDATE attune.chunk c SET state = 4, token = NULL WHERE c.chunk_id = v_chunk.chunk_id;
        END IF;
        RETURN retry.job_id;
    END LOOP;
    RAISE EXCEPTION 'job %: job_without_chunk: it has neither ended nor is it in an open chunk', retry.job_id USING ERRCODE = 'XX000';
END
$$;
COMMENT ON FUNCTION attune.retry(bigint) IS 'Runs a job again now: one that waits for its time goes at once, together with its chunk; one that was discarded or cancelled is enqueued as a new job with fresh tries. Returns the id of the job that will run.';
