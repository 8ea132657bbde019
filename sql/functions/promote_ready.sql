CREATE OR REPLACE FUNCTION attune.promote_ready(p_epoch bigint, p_campaign int) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant int;
    v_base int;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT c.tenant_id, c.base_id INTO v_tenant, v_base FROM attune.campaign c
    WHERE c.campaign_id = p_campaign AND c.state = 'running' AND c.phase = 'ready' AND c.promotes_itself FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN attune.switch_base(v_tenant, v_base, NULL);
END
$$;
COMMENT ON FUNCTION attune.promote_ready(bigint, int) IS 'Promotes a campaign that is ready and promotes itself; returns the epoch, null when it is not.';
