-- A SECURITY DEFINER function runs as its owner; the setting `role` still tells who asked, and cannot be set to a role
-- that the session is not a member of.
CREATE OR REPLACE FUNCTION attune.caller() RETURNS name LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role')::name END;
COMMENT ON FUNCTION attune.caller() IS 'The database role that asks, also inside functions that run as their owner.';
