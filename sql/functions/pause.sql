CREATE OR REPLACE FUNCTION attune.pause(tenant text, kind text DEFAULT NULL, reason text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'operate');
    v_kind smallint := attune.require_kind(tenant, kind);
BEGIN
    PERFORM attune.change_limit(v_tenant, v_kind, l.max_running, l.rate, true, left(pause.reason, 500))
    FROM (SELECT) AS one LEFT JOIN attune.tenant_limit l ON l.tenant_id = v_tenant AND l.kind_id IS NOT DISTINCT FROM v_kind;
END
$$;
COMMENT ON FUNCTION attune.pause(text, text, text) IS 'Lets no more jobs of a tenant (of one kind, or of all) be claimed, from the next claim on. What runs goes on; jobs are accepted and wait.';
