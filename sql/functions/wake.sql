-- What is due is looked for from where the last look ended: behind lie the dead entries of all that was ever woken, for as
-- long as any transaction of the cluster is older than their end. Once a minute the look begins at the start, for what a
-- transaction of more than ten seconds put behind the mark, or somebody held at the time.
CREATE OR REPLACE FUNCTION attune.wake(p_limit int DEFAULT 1000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_bitmapscan = off AS $$
DECLARE
    v_due bigint[];
    -- A variable, since an index is not searched by what may change while it is: the future would be read at each tick.
    v_now timestamptz := clock_timestamp();
    v_from timestamptz;
BEGIN
    SELECT CASE WHEN m.swept_at > v_now - interval '1 minute' THEN m.woken_to - interval '10 seconds' ELSE '-infinity' END
    INTO v_from FROM attune.wake_mark m;
    SELECT array_agg(d.chunk_id) INTO v_due FROM (
        SELECT c.chunk_id FROM attune.chunk c WHERE c.state = 2 AND c.run_at >= v_from AND c.run_at <= v_now
        ORDER BY c.run_at LIMIT p_limit FOR UPDATE SKIP LOCKED) AS d;
    IF v_due IS NOT NULL THEN
        PERFORM attune.ready_again(v_due);
    END IF;
    IF coalesce(cardinality(v_due), 0) < p_limit THEN
        -- Written seldom: this row is read at each tick.
        UPDATE attune.wake_mark m SET woken_to = v_now, swept_at = CASE WHEN v_from = '-infinity' THEN v_now ELSE m.swept_at END
        FROM (SELECT l.only_row FROM attune.wake_mark l WHERE l.woken_to < v_now - interval '5 seconds' OR v_from = '-infinity'
            FOR UPDATE SKIP LOCKED) AS due
        WHERE m.only_row = due.only_row;
    END IF;
    RETURN coalesce(cardinality(v_due), 0) + attune.unpark(p_limit);
END
$$;
COMMENT ON FUNCTION attune.wake(int) IS 'Makes ready, as new chunks with current keys, deferred chunks whose time has come and parked ones whose tenant has no limit any more, at most that many of each; returns how many.';
