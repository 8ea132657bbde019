CREATE OR REPLACE FUNCTION attune.require_job(p_job bigint, p_tenant int) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_asker name := attune.caller();
BEGIN
    IF p_tenant IS NOT NULL AND (pg_has_role(v_asker, current_user, 'USAGE') OR pg_has_role(v_asker, 'attune_operator', 'USAGE')
        OR pg_has_role(v_asker, 'attune_worker', 'USAGE')) THEN
        RETURN;
    ELSIF p_tenant IS NULL OR p_tenant <> ALL (attune.tenants_of(v_asker)) THEN
        PERFORM attune.refuse('unknown_job', format('job %s', p_job), 'no such job', 'check the id');
    END IF;
    PERFORM attune.require_tenant((SELECT t.name FROM attune.tenant t WHERE t.tenant_id = p_tenant), 'produce');
END
$$;
COMMENT ON FUNCTION attune.require_job(bigint, int) IS 'Refuses unless the job (of that tenant, null: none) is the caller''s to change; another tenant''s job looks like none.';
