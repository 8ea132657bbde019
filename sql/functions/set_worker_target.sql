CREATE OR REPLACE FUNCTION attune.set_worker_target(
    p_epoch bigint, p_desired int, p_needed int, p_backlog_ms double precision, p_arrival double precision,
    p_speed_each double precision, p_live int, p_lower_seconds double precision
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM attune.require_leader(p_epoch);
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE attune.worker_target SET desired = p_desired, needed = p_needed, backlog_ms = p_backlog_ms, arrival = p_arrival,
        speed_each = p_speed_each, live = p_live, lower_since = clock_timestamp() - make_interval(secs => p_lower_seconds),
        decided_at = clock_timestamp();
END
$$;
COMMENT ON FUNCTION attune.set_worker_target(bigint, int, int, double precision, double precision, double precision, int, double precision) IS 'Writes down how many workers the leader wants, and from what.';
