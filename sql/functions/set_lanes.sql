CREATE OR REPLACE FUNCTION attune.set_lanes(p_count int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_layout smallint;
BEGIN
    IF p_count IS NULL OR p_count NOT BETWEEN 1 AND 65536 THEN
        PERFORM attune.refuse('bad_lane_count', 'lanes', format('%s lanes', p_count), 'give 1 to 65536; 8 a worker is a good start');
    END IF;
    UPDATE attune.setting SET lane_layout = lane_layout + 1, lane_count = p_count WHERE lane_count <> p_count
    RETURNING lane_layout INTO v_layout;
    IF v_layout IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO attune.lane (lane_id) SELECT v_layout * 65536 + n FROM generate_series(0, p_count - 1) AS n;
    RETURN p_count;
END
$$;
COMMENT ON FUNCTION attune.set_lanes(int) IS 'Sets the number of lanes for chunks enqueued from now on; old lanes drain. Returns how many were made.';
