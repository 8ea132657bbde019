CREATE OR REPLACE FUNCTION attune.refuse(error_class text, location text, reason text, remedy text)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%: %: %.', location, error_class, reason USING
        ERRCODE = CASE
            WHEN error_class IN ('not_allowed', 'role_missing') THEN 'AT403'
            WHEN error_class LIKE 'unknown\_%' THEN 'AT404'
            WHEN error_class IN ('dedup_conflict', 'stale_revision', 'base_mismatch', 'already_ended', 'deposed',
                'worker_gone', 'already_exists', 'stale_epoch', 'campaign_not_ready', 'campaign_ended', 'judgement_stands',
                'window_closed') THEN 'AT409'
            ELSE 'AT400'
        END,
        DETAIL = error_class,
        HINT = remedy;
END
$$;
COMMENT ON FUNCTION attune.refuse(text, text, text, text) IS 'Raises an error as people read it: MESSAGE where: class: why, DETAIL the stable class, HINT what helps; SQLSTATE AT400 bad input, AT403 not allowed, AT404 unknown, AT409 conflict.';
