-- Whoever acts on a campaign takes its row's lock here, says what it finds, and changes nothing when it refuses.
CREATE OR REPLACE FUNCTION attune.require_campaign(p_campaign int) RETURNS attune.campaign LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_campaign attune.campaign;
    v_tenant text;
BEGIN
    SELECT c.* INTO v_campaign FROM attune.campaign c WHERE c.campaign_id = p_campaign;
    IF v_campaign.campaign_id IS NULL THEN
        PERFORM attune.refuse('unknown_campaign', format('campaign %s', p_campaign), 'no campaign of that number', 'SELECT * FROM attune.campaigns');
    END IF;
    SELECT t.name INTO v_tenant FROM attune.tenant t WHERE t.tenant_id = v_campaign.tenant_id;
    PERFORM attune.require_tenant(v_tenant, 'produce');
    SELECT c.* INTO v_campaign FROM attune.campaign c WHERE c.campaign_id = p_campaign FOR UPDATE;
    RETURN v_campaign;
END
$$;
COMMENT ON FUNCTION attune.require_campaign(int) IS 'A campaign that the caller may act on, locked; else an error.';
