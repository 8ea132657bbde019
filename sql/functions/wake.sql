CREATE OR REPLACE FUNCTION attune.wake(p_limit int DEFAULT 1000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_due bigint[];
    -- A variable, since an index is not searched by what may change while it is: the future would be read at each tick.
    v_now timestamptz := clock_timestamp();
BEGIN
    SELECT array_agg(d.chunk_id) INTO v_due FROM (
        SELECT c.chunk_id FROM attune.chunk c WHERE c.state = 2 AND c.run_at <= v_now
        ORDER BY c.run_at LIMIT p_limit FOR UPDATE SKIP LOCKED) AS d;
    IF v_due IS NOT NULL THEN
        PERFORM attune.ready_again(v_due);
    END IF;
    RETURN coalesce(cardinality(v_due), 0) + attune.unpark(p_limit);
END
$$;
COMMENT ON FUNCTION attune.wake(int) IS 'Makes ready, as new chunks with current keys, deferred chunks whose time has come and parked ones whose tenant has no limit any more, at most that many of each; returns how many.';
