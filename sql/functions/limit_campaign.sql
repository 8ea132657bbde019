CREATE OR REPLACE FUNCTION attune.limit_campaign(campaign int, users_per_second real) RETURNS real LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_campaign attune.campaign := attune.require_campaign(campaign);
BEGIN
    IF NOT coalesce(users_per_second > 0 AND users_per_second < 1e9, true) THEN
        PERFORM attune.refuse('bad_campaign', format('campaign %s', campaign), 'a rate limit is above 0 users a second', 'null takes it away');
    END IF;
    UPDATE attune.campaign c SET rate_limit = users_per_second WHERE c.campaign_id = campaign;
    RETURN users_per_second;
END
$$;
COMMENT ON FUNCTION attune.limit_campaign(int, real) IS 'Sets how many users a second a campaign is fed at most; null: as fast as the workers are.';
