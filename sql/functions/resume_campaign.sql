-- After a judgement that went against it, the same recipe would only be judged the same: another recipe begins a new
-- round, in which everyone whose revision is by another recipe is adapted again; or a person takes the judgement upon them.
CREATE OR REPLACE FUNCTION attune.resume_campaign(campaign int, accept boolean DEFAULT false) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    v_campaign attune.campaign := attune.require_campaign(campaign);
    v_recipe int;
    v_wave int;
BEGIN
    IF v_campaign.state = 'running' THEN
        RETURN 'running';
    ELSIF v_campaign.state <> 'paused' THEN
        PERFORM attune.refuse('campaign_ended', format('campaign %s', campaign), format('it is %s', v_campaign.state), 'attune readapt starts another');
    END IF;
    SELECT r.recipe_id INTO v_recipe FROM attune.active_recipe r WHERE r.tenant_id = v_campaign.tenant_id
        AND r.base_id = v_campaign.base_id AND r.kind_id = v_campaign.kind_id;
    IF v_recipe IS DISTINCT FROM v_campaign.recipe_id AND v_campaign.purpose = 'adopt' THEN
        UPDATE attune.campaign c SET state = 'running', reason = NULL, recipe_id = v_recipe, round = c.round + 1, wave = -1,
            phase = 'canary', cursor_uid = -1, pass = 0, pass_found = 0, left_over = NULL
        WHERE c.campaign_id = campaign;
        RETURN 'running';
    END IF;
    SELECT min(w.wave) INTO v_wave FROM attune.campaign_wave w
    WHERE w.campaign_id = campaign AND w.round = v_campaign.round AND w.verdict IN ('failed', 'undecided');
    IF v_wave IS NOT NULL AND NOT accept THEN
        PERFORM attune.refuse('judgement_stands', format('campaign %s', campaign),
            format('wave %s was judged %s', v_wave, (SELECT w.verdict FROM attune.campaign_wave w
                WHERE w.campaign_id = campaign AND w.round = v_campaign.round AND w.wave = v_wave)),
            'activate another recipe under its base and resume, or resume with accept => true');
    END IF;
    UPDATE attune.campaign_wave w SET verdict = 'accepted'
    WHERE w.campaign_id = campaign AND w.round = v_campaign.round AND w.verdict IN ('failed', 'undecided');
    UPDATE attune.campaign c SET state = 'running', reason = NULL WHERE c.campaign_id = campaign;
    RETURN 'running';
END
$$;
COMMENT ON FUNCTION attune.resume_campaign(int, boolean) IS 'Lets a paused campaign go on. Under another recipe than it began with, it starts over with the canary; after a judgement against it, it needs accept, which is written on the wave.';
