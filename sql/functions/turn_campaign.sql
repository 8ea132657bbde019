CREATE OR REPLACE FUNCTION attune.turn_campaign(p_epoch bigint, p_campaign int, p_round int, p_from text, p_to text, p_reason text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM attune.require_leader(p_epoch);
    UPDATE attune.campaign c SET
        phase = CASE WHEN p_to IN ('sweep', 'ready') THEN p_to ELSE c.phase END,
        state = CASE WHEN p_to IN ('paused', 'completed') THEN p_to ELSE c.state END,
        cursor_uid = CASE p_to WHEN 'sweep' THEN 0 ELSE c.cursor_uid END,
        reason = coalesce(p_reason, c.reason),
        ready_at = CASE p_to WHEN 'ready' THEN clock_timestamp() ELSE c.ready_at END,
        ended_at = CASE p_to WHEN 'completed' THEN clock_timestamp() ELSE c.ended_at END
    WHERE c.campaign_id = p_campaign AND c.round = p_round AND c.state IN ('running', 'promoted')
        AND p_from = CASE c.state WHEN 'promoted' THEN 'promoted' ELSE c.phase END
        AND p_to IN ('sweep', 'ready', 'paused', 'completed');
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION attune.turn_campaign(bigint, int, int, text, text, text) IS 'Turns a running campaign from one phase (or promoted) to sweep, ready, paused or completed; false when it is no longer where the caller saw it.';
