CREATE OR REPLACE FUNCTION attune.set_limit(tenant text, max_running int DEFAULT NULL, rate real DEFAULT NULL, kind text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'operate');
    v_kind smallint := attune.require_kind(tenant, kind);
BEGIN
    IF set_limit.max_running < 1 THEN
        PERFORM attune.refuse('bad_limit', tenant, format('at most %s jobs running', set_limit.max_running),
            'give 1 or more; SELECT attune.pause(tenant) lets nothing run');
    ELSIF NOT coalesce(set_limit.rate > 0 AND set_limit.rate <= 1000000, true) THEN
        PERFORM attune.refuse('bad_limit', tenant, format('a rate of %s jobs a second', set_limit.rate),
            'give more than 0, at most 1000000');
    END IF;
    PERFORM attune.change_limit(v_tenant, v_kind, set_limit.max_running, set_limit.rate,
        coalesce(l.is_paused, false), l.reason)
    FROM (SELECT) AS one LEFT JOIN attune.tenant_limit l ON l.tenant_id = v_tenant AND l.kind_id IS NOT DISTINCT FROM v_kind;
END
$$;
COMMENT ON FUNCTION attune.set_limit(text, int, real, text) IS 'Sets how many jobs of a tenant (of one kind, or of all) may run at a time, and how many may be claimed a second; null lifts that limit. Jobs that run already go on.';
