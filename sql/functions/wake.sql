CREATE OR REPLACE FUNCTION attune.wake(p_limit int DEFAULT 1000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_chunk attune.chunk;
    v_open record;
    v_count int := 0;
BEGIN
    FOR v_chunk IN
        SELECT c.* FROM attune.chunk c WHERE c.state = 2 AND c.run_at <= clock_timestamp()
        ORDER BY c.run_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        SELECT array_agg(o.job_id) AS members, array_agg(o.tries) AS tries, array_agg(o.superseded) AS superseded
        INTO v_open FROM attune.open_jobs(ARRAY[v_chunk.chunk_id]) AS o;
        IF v_open.members IS NOT NULL THEN
            PERFORM attune.requeue(v_chunk, v_open.members, v_open.tries, v_open.superseded, NULL, v_chunk.crashes,
                v_chunk.crash_workers);
        END IF;
        UPDATE attune.chunk c SET state = 4, token = NULL WHERE c.chunk_id = v_chunk.chunk_id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.wake(int) IS 'Makes deferred chunks whose time has come ready, as new chunks with current keys, at most that many; returns how many.';
