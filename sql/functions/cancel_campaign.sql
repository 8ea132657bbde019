CREATE OR REPLACE FUNCTION attune.cancel_campaign(campaign int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_campaign attune.campaign := attune.require_campaign(campaign);
BEGIN
    IF v_campaign.state = 'promoted' THEN
        PERFORM attune.refuse('campaign_ended', format('campaign %s', campaign), 'its base serves already', 'SELECT attune.rollback_base(tenant)');
    END IF;
    UPDATE attune.campaign c SET state = 'cancelled', ended_at = clock_timestamp()
    WHERE c.campaign_id = campaign AND c.state IN ('running', 'paused');
    RETURN CASE WHEN FOUND THEN 'cancelled' ELSE v_campaign.state END;
END
$$;
COMMENT ON FUNCTION attune.cancel_campaign(int) IS 'Ends a campaign before its promotion. What was published under its base stays and is used by a later one; nobody is served it. Returns the state.';
