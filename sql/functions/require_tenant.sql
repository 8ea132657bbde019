CREATE OR REPLACE FUNCTION attune.require_tenant(tenant text, access text) RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asker name := attune.caller();
    found_id int;
    granted text[];
BEGIN
    SELECT t.tenant_id INTO found_id FROM attune.tenant t WHERE t.name = require_tenant.tenant;
    IF found_id IS NOT NULL AND (
        pg_has_role(asker, current_user, 'USAGE') OR pg_has_role(asker, 'attune_operator', 'USAGE')
        OR pg_has_role(asker, 'attune_worker', 'USAGE')) THEN
        RETURN found_id;
    END IF;
    SELECT array_agg(m.access) INTO granted
    FROM attune.tenant_role m JOIN pg_roles r ON r.rolname = m.role_name
    WHERE m.tenant_id = found_id AND pg_has_role(asker, r.oid, 'USAGE');
    -- A tenant that exists and is another's looks the same as one that does not.
    IF granted IS NULL THEN
        PERFORM attune.refuse('unknown_tenant', coalesce(tenant, 'null'), format('no tenant of that name that role %s acts for', asker),
            'check the name, or have an operator map the role with attune.map_role');
    ELSIF access = 'produce' AND NOT 'produce' = ANY (granted) THEN
        PERFORM attune.refuse('not_allowed', tenant, format('role %s may only read', asker),
            format('have an operator run SELECT attune.map_role(%L, %L, ''produce'')', tenant, asker));
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION attune.require_tenant(text, text) IS 'The id of a tenant that the caller may read or produce for; else an error.';
