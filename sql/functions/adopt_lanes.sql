CREATE OR REPLACE FUNCTION attune.adopt_lanes(p_worker bigint) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_alive int;
    v_stall int;
    v_share int;
    v_owned int;
    v_taken int;
BEGIN
    -- A worker that gets nothing done with work in hand is not counted, and its lanes are free.
    SELECT s.stall_seconds INTO v_stall FROM attune.setting s;
    SELECT count(*) INTO v_alive FROM attune.worker w WHERE w.state = 'active' AND w.lease_until > clock_timestamp()
        AND (w.in_hand = 0 OR w.progress_at > clock_timestamp() - make_interval(secs => v_stall));
    IF NOT EXISTS (SELECT FROM attune.worker w WHERE w.worker_id = p_worker AND w.state = 'active'
        AND w.lease_until > clock_timestamp()
        AND (w.in_hand = 0 OR w.progress_at > clock_timestamp() - make_interval(secs => v_stall))) THEN
        RETURN 0;
    END IF;
    -- A fair share at most, so that who comes next finds some; and what is above it goes back.
    SELECT ceil(count(*)::numeric / v_alive), count(*) FILTER (WHERE l.owner = p_worker) INTO v_share, v_owned FROM attune.lane l;
    UPDATE attune.lane l SET owner = NULL, generation = l.generation + 1, moved_at = clock_timestamp()
    WHERE l.lane_id IN (
        SELECT m.lane_id FROM attune.lane m WHERE m.owner = p_worker
        ORDER BY m.lane_id DESC LIMIT greatest(0, v_owned - v_share) FOR UPDATE SKIP LOCKED);
    UPDATE attune.lane l SET owner = p_worker, generation = l.generation + 1, moved_at = clock_timestamp()
    WHERE l.lane_id IN (
        SELECT m.lane_id FROM attune.lane m
        WHERE m.owner IS NULL OR NOT EXISTS (
            SELECT FROM attune.worker w WHERE w.worker_id = m.owner AND w.state = 'active' AND w.lease_until > clock_timestamp()
                AND (w.in_hand = 0 OR w.progress_at > clock_timestamp() - make_interval(secs => v_stall)))
        ORDER BY random() LIMIT greatest(0, v_share - v_owned) FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_taken = ROW_COUNT;
    RETURN v_taken;
END
$$;
COMMENT ON FUNCTION attune.adopt_lanes(bigint) IS 'For when no scheduler leads: a worker takes lanes that nobody alive owns, up to its fair share, and gives back what is above it. Returns how many it took.';
