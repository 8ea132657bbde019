-- The caller holds the session lock that elects leaders on a direct connection; the epoch written here is what later
-- writes are checked against, so that one who lost the connection without noticing writes nothing more.
CREATE OR REPLACE FUNCTION attune.lead(p_name text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    UPDATE attune.leader SET epoch = epoch + 1, name = p_name, since = clock_timestamp(), seen_at = clock_timestamp()
    RETURNING epoch
$$;
COMMENT ON FUNCTION attune.lead(text) IS 'Makes the caller the leader and returns its epoch. Call it holding pg_advisory_lock(hashtextextended(''attune.leader'', 0)).';
