CREATE OR REPLACE FUNCTION attune.map_role(tenant text, role_name name, access text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id int := attune.require_tenant(tenant, 'produce');
BEGIN
    IF to_regrole(quote_ident(role_name)) IS NULL THEN
        PERFORM attune.refuse('unknown_role', role_name, 'no database role of that name', format('CREATE ROLE %I LOGIN', role_name));
    ELSIF access NOT IN ('read', 'produce') THEN
        PERFORM attune.refuse('bad_access', role_name, format('access is %L', access), 'say read or produce');
    END IF;
    INSERT INTO attune.tenant_role (role_name, tenant_id, access) VALUES (map_role.role_name, found_id, map_role.access)
    ON CONFLICT ON CONSTRAINT tenant_role_pkey DO UPDATE SET access = excluded.access;
END
$$;
COMMENT ON FUNCTION attune.map_role(text, name, text) IS 'Lets a database role act for a tenant, to read or to produce. The role also needs GRANT attune_reader or attune_producer.';
