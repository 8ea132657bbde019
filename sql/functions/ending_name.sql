CREATE OR REPLACE FUNCTION attune.ending_name(ending smallint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['completed', 'kept', 'merged', 'covered', 'cancelled', 'discarded'])[ending];
COMMENT ON FUNCTION attune.ending_name(smallint) IS 'The terminal state that an outcome''s ending stands for.';
