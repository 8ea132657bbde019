-- Lanes are never made fewer by themselves: chunks that wait in old ones have to drain first, and a fleet that shrank grows again.
CREATE OR REPLACE FUNCTION attune.raise_lanes(p_epoch bigint, p_count int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM attune.require_leader(p_epoch);
    IF p_count <= (SELECT s.lane_count FROM attune.setting s) THEN
        RETURN 0;
    END IF;
    RETURN attune.set_lanes(p_count);
END
$$;
COMMENT ON FUNCTION attune.raise_lanes(bigint, int) IS 'Makes so many lanes for chunks enqueued from now on, if there are fewer; returns how many were made. For the leader.';
