CREATE OR REPLACE FUNCTION attune.judge_wave(
    p_epoch bigint, p_campaign int, p_round int, p_wave int, p_verdict text, p_judged int, p_difference double precision,
    p_lower double precision, p_upper double precision, p_pause_reason text
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM attune.require_leader(p_epoch);
    PERFORM FROM attune.campaign c
    WHERE c.campaign_id = p_campaign AND c.round = p_round AND c.state IN ('running', 'paused') FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE attune.campaign_wave w SET verdict = p_verdict, looks = w.looks + 1, judged = p_judged, difference = p_difference,
        lower_bound = p_lower, upper_bound = p_upper,
        decided_at = CASE WHEN p_verdict <> 'watching' THEN clock_timestamp() END
    WHERE w.campaign_id = p_campaign AND w.round = p_round AND w.wave = p_wave AND w.verdict = 'watching';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF p_verdict IN ('failed', 'undecided') THEN
        UPDATE attune.campaign c SET state = 'paused', reason = p_pause_reason
        WHERE c.campaign_id = p_campaign AND c.state = 'running';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION attune.judge_wave(bigint, int, int, int, text, int, double precision, double precision, double precision, text) IS 'Writes down one look at a wave; failed and undecided pause the campaign. False when the wave was decided before.';
