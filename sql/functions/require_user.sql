CREATE OR REPLACE FUNCTION attune.require_user(tenant text, tenant_id int, user_id text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_uid bigint;
BEGIN
    SELECT u.uid INTO found_uid FROM attune."user" u
    WHERE u.tenant_id = require_user.tenant_id AND u.user_id = require_user.user_id;
    IF found_uid IS NULL THEN
        PERFORM attune.refuse('unknown_user', tenant, format('no user %L', left(user_id, 40)), 'record examples of the user first');
    END IF;
    RETURN found_uid;
END
$$;
COMMENT ON FUNCTION attune.require_user(text, int, text) IS 'The uid of a user; else an error.';
