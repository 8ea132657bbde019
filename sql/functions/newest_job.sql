CREATE OR REPLACE FUNCTION attune.newest_job() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.last_value * 1024 + 1023 FROM attune.chunk_id_seq s
$$;
COMMENT ON FUNCTION attune.newest_job() IS 'No job has a larger id yet.';
