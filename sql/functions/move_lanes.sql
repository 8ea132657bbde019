CREATE OR REPLACE FUNCTION attune.move_lanes(p_epoch bigint, p_lanes int[], p_generations bigint[], p_owners bigint[]) RETURNS int[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_moved int[];
BEGIN
    PERFORM attune.require_leader(p_epoch);
    WITH wanted AS MATERIALIZED (
        SELECT l.lane_id, m.owner FROM unnest(p_lanes, p_generations, p_owners) AS m (lane_id, generation, owner)
        JOIN attune.lane l ON l.lane_id = m.lane_id AND l.generation = m.generation
        ORDER BY l.lane_id FOR UPDATE OF l
    ), moved AS (
        UPDATE attune.lane l SET owner = w.owner, generation = l.generation + 1, moved_at = clock_timestamp()
        FROM wanted w WHERE l.lane_id = w.lane_id RETURNING l.lane_id
    )
    SELECT coalesce(array_agg(m.lane_id ORDER BY m.lane_id), '{}') INTO v_moved FROM moved m;
    RETURN v_moved;
END
$$;
COMMENT ON FUNCTION attune.move_lanes(bigint, int[], bigint[], bigint[]) IS 'Gives lanes to workers (null: nobody) where their generation is still the one planned with; returns the lanes that moved.';
