CREATE OR REPLACE FUNCTION attune.promote(tenant text, base text, expected_epoch bigint DEFAULT NULL, force boolean DEFAULT false)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_base int;
    v_campaign attune.campaign;
BEGIN
    SELECT b.base_id INTO v_base FROM attune.base b WHERE b.name = promote.base OR b.digest = promote.base;
    IF v_base IS NULL THEN
        PERFORM attune.refuse('unknown_base', tenant, format('no base %L', left(promote.base, 70)), 'attune base add FOLDER');
    END IF;
    SELECT c.* INTO v_campaign FROM attune.campaign c
    WHERE c.tenant_id = v_tenant AND c.base_id = v_base AND c.purpose = 'adopt' AND c.state IN ('running', 'paused') FOR UPDATE;
    IF v_campaign.campaign_id IS NOT NULL AND NOT force AND (v_campaign.state <> 'running' OR v_campaign.phase <> 'ready') THEN
        PERFORM attune.refuse('campaign_not_ready', tenant,
            format('campaign %s is %s in phase %s: users without a revision under it would get the recipe''s start',
                v_campaign.campaign_id, v_campaign.state, v_campaign.phase),
            'wait until it is ready, or promote with force => true');
    END IF;
    RETURN attune.switch_base(v_tenant, v_base, expected_epoch);
END
$$;
COMMENT ON FUNCTION attune.promote(text, text, bigint, boolean) IS 'Makes a base (name or digest) the one that serves the tenant: one row, if its epoch is still expected_epoch (null: whatever it is). Refused while a campaign under that base is not ready, unless force. Returns the epoch.';
