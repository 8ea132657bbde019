CREATE OR REPLACE FUNCTION attune.drain_worker(p_worker bigint, p_state text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A drain cannot be taken back: the process is on its way out.
    UPDATE attune.worker w SET state = p_state, lease_until = CASE p_state WHEN 'stopped' THEN clock_timestamp() ELSE w.lease_until END
    WHERE w.worker_id = p_worker AND w.state <> 'stopped' AND (w.state <> 'draining' OR p_state IN ('draining', 'stopped'));
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF p_state <> 'active' THEN
        UPDATE attune.lane l SET owner = NULL, generation = l.generation + 1, moved_at = clock_timestamp() WHERE l.owner = p_worker;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION attune.drain_worker(bigint, text) IS 'Sets a worker active, paused or draining (claims nothing more; its lanes are free at once) or stopped; false when it had stopped before, or drains already and was to go on.';
