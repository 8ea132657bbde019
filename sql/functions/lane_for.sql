CREATE OR REPLACE FUNCTION attune.lane_for(seed bigint) RETURNS int LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.lane_layout * 65536 + (seed % s.lane_count)::int FROM attune.setting s
$$;
COMMENT ON FUNCTION attune.lane_for(bigint) IS 'A lane of the current layout for a non-negative number: a chunk id spreads bulks, a hashed user keeps one user''s single jobs together.';
