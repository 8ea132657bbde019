-- Whoever called …_begin owns their session: only a plain table that this function's owner made is read as its owner, not
-- a view or another table of that name.
CREATE OR REPLACE FUNCTION attune.require_staging(name text, begin_with text) RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
        WHERE c.oid = to_regclass('pg_temp.' || require_staging.name) AND c.relkind = 'r' AND r.rolname = current_user) THEN
        PERFORM attune.refuse('not_begun', 'pg_temp.' || require_staging.name, 'no such table in this transaction',
            format('run SELECT %s first, in the same transaction', begin_with));
    END IF;
END
$$;
COMMENT ON FUNCTION attune.require_staging(text, text) IS 'Refuses to go on unless the staging table of this transaction is the one that Attune made.';
