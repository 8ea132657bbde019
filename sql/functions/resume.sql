CREATE OR REPLACE FUNCTION attune.resume(tenant text, kind text DEFAULT NULL) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'operate');
    v_kind smallint := attune.require_kind(tenant, kind);
    v_limit attune.tenant_limit;
BEGIN
    SELECT l.* INTO v_limit FROM attune.tenant_limit l
    WHERE l.tenant_id = v_tenant AND l.kind_id IS NOT DISTINCT FROM v_kind AND l.is_paused FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM attune.change_limit(v_tenant, v_kind, v_limit.max_running, v_limit.rate, false, NULL);
    RETURN true;
END
$$;
COMMENT ON FUNCTION attune.resume(text, text) IS 'Ends attune.pause of the same tenant and kind; its other limits stay. Returns whether it was paused.';
