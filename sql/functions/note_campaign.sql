CREATE OR REPLACE FUNCTION attune.note_campaign(p_epoch bigint, p_campaign int, p_ahead bigint, p_rate real)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM attune.require_leader(p_epoch);
    UPDATE attune.campaign c SET ahead = p_ahead, rate = p_rate, noted_at = clock_timestamp() WHERE c.campaign_id = p_campaign;
END
$$;
COMMENT ON FUNCTION attune.note_campaign(bigint, int, bigint, real) IS 'Keeps a campaign''s figures: jobs that wait or run, and jobs ended in a second.';
