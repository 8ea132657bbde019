CREATE OR REPLACE FUNCTION attune.leader_seen(p_epoch bigint) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE attune.leader l SET seen_at = clock_timestamp() WHERE l.epoch = p_epoch;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION attune.leader_seen(bigint) IS 'Says that the leader lives; false when another leads.';
