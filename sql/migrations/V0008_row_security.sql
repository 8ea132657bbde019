-- Row-level security: a tenant's roles see the tenant's rows; workers and operators see all.
CREATE FUNCTION attune.tenants_of(role_name name) RETURNS int[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT coalesce(array_agg(DISTINCT m.tenant_id), '{}')
    FROM attune.tenant_role m JOIN pg_roles r ON r.rolname = m.role_name
    WHERE pg_has_role(tenants_of.role_name, r.oid, 'USAGE')
);
COMMENT ON FUNCTION attune.tenants_of(name) IS 'Tenants that a database role acts for, itself or through a role that it is a member of.';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['tenant', 'tenant_role', 'flow', 'recipe', 'active_base', 'active_recipe', 'catalogue', 'item',
        '"user"', 'user_data', 'job', 'outcome', 'attempt_log', 'dedup', 'object', 'revision', 'object_slot', 'pointer',
        'campaign', 'chunk'] LOOP
        EXECUTE format('ALTER TABLE attune.%s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY everything ON attune.%s TO attune_worker, attune_operator USING (true)', t);
        -- The sub-select is evaluated once a statement, not once a row.
        EXECUTE format('CREATE POLICY own_tenant ON attune.%s FOR SELECT '
            'USING (tenant_id = ANY ((SELECT attune.tenants_of(current_user))::int[]))', t);
    END LOOP;
    CREATE POLICY shared ON attune.recipe FOR SELECT USING (tenant_id IS NULL);
    ALTER TABLE attune.recipe_file ENABLE ROW LEVEL SECURITY;
    CREATE POLICY everything ON attune.recipe_file TO attune_worker, attune_operator USING (true);
    CREATE POLICY with_recipe ON attune.recipe_file FOR SELECT
        USING (EXISTS (SELECT FROM attune.recipe r WHERE r.recipe_id = recipe_file.recipe_id));
END
$$;
