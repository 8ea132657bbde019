CREATE OR REPLACE FUNCTION attune.part_name(p_parent text, p_first_chunk bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
RETURN p_parent || '_p' || repeat('0', 6 - length((p_first_chunk >> 20)::text)) || (p_first_chunk >> 20);
COMMENT ON FUNCTION attune.part_name(text, bigint) IS 'Name of the partition of job or outcome that starts at a chunk id, a multiple of 2^20.';
