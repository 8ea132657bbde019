CREATE OR REPLACE FUNCTION attune.begin_meta_run(tenant text, run bigint DEFAULT NULL) RETURNS TABLE (run_id bigint, key_prefix text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
BEGIN
    UPDATE attune.meta_run r SET seen_at = clock_timestamp(), ended_at = NULL WHERE r.run_id = begin_meta_run.run AND r.tenant_id = v_tenant
    RETURNING r.run_id INTO run_id;
    IF run_id IS NULL THEN
        INSERT INTO attune.meta_run AS r (tenant_id) VALUES (v_tenant) RETURNING r.run_id INTO run_id;
    END IF;
    SELECT t.key_prefix INTO key_prefix FROM attune.tenant t WHERE t.tenant_id = v_tenant;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.begin_meta_run(text, bigint) IS 'Begins a meta-training on the cluster, or goes on with one, which also says that it lives; returns its id and the prefix of the tenant''s objects.';
