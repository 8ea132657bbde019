CREATE OR REPLACE FUNCTION attune.change_limit(
    p_tenant int, p_kind smallint, p_max_running int, p_rate real, p_is_paused boolean, p_reason text
) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_max_running IS NULL AND p_rate IS NULL AND NOT p_is_paused THEN
        DELETE FROM attune.tenant_limit l WHERE l.tenant_id = p_tenant AND l.kind_id IS NOT DISTINCT FROM p_kind;
        RETURN;
    END IF;
    INSERT INTO attune.tenant_limit AS l (tenant_id, kind_id, max_running, rate, is_paused, reason, set_by)
    VALUES (p_tenant, p_kind, p_max_running, p_rate, p_is_paused, p_reason, attune.caller())
    ON CONFLICT (tenant_id, kind_id) DO UPDATE SET max_running = excluded.max_running, rate = excluded.rate,
        is_paused = excluded.is_paused, reason = excluded.reason, set_at = clock_timestamp(), set_by = excluded.set_by;
END
$$;
COMMENT ON FUNCTION attune.change_limit(int, smallint, int, real, boolean, text) IS 'Writes a limit, or removes it where nothing is limited any more.';
