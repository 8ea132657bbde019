-- Every step of the leader names where it believes the campaign to
-- stand, and does nothing when it stands elsewhere: a person may have paused it, another leader may have come first.
CREATE OR REPLACE FUNCTION attune.begin_wave(p_epoch bigint, p_campaign int, p_round int, p_wave int, p_users bigint, p_judged_share real)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant int;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    UPDATE attune.campaign c SET wave = p_wave, phase = CASE p_wave WHEN 0 THEN 'canary' ELSE 'waves' END
    WHERE c.campaign_id = p_campaign AND c.state = 'running' AND c.round = p_round AND c.wave = p_wave - 1
        AND c.phase IN ('canary', 'waves')
    RETURNING c.tenant_id INTO v_tenant;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO attune.campaign_wave (campaign_id, round, wave, tenant_id, planned_users, judged_share, verdict)
    VALUES (p_campaign, p_round, p_wave, v_tenant, p_users, p_judged_share, CASE WHEN p_judged_share > 0 THEN 'watching' ELSE 'unjudged' END);
    RETURN true;
END
$$;
COMMENT ON FUNCTION attune.begin_wave(bigint, int, int, int, bigint, real) IS 'Begins a campaign''s next wave; false when it is no longer where the caller saw it.';
