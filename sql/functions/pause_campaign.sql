CREATE OR REPLACE FUNCTION attune.pause_campaign(campaign int, reason text DEFAULT 'paused by a person') RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_campaign attune.campaign := attune.require_campaign(campaign);
BEGIN
    IF v_campaign.state NOT IN ('running', 'paused') THEN
        PERFORM attune.refuse('campaign_ended', format('campaign %s', campaign), format('it is %s', v_campaign.state), 'nothing: it feeds nobody any more');
    END IF;
    UPDATE attune.campaign c SET state = 'paused', reason = left(pause_campaign.reason, 500)
    WHERE c.campaign_id = campaign AND c.state = 'running';
    RETURN 'paused';
END
$$;
COMMENT ON FUNCTION attune.pause_campaign(int, text) IS 'Stops feeding a campaign; the few seconds of jobs that were fed go on. Again changes nothing.';
