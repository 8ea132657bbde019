CREATE OR REPLACE FUNCTION attune.promote(tenant text, base text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_base int;
    v_epoch bigint;
BEGIN
    SELECT b.base_id INTO v_base FROM attune.base b WHERE b.name = promote.base OR b.digest = promote.base;
    IF v_base IS NULL THEN
        PERFORM attune.refuse('unknown_base', tenant, format('no base %L', left(promote.base, 70)), 'attune base add FOLDER');
    END IF;
    INSERT INTO attune.active_base AS a (tenant_id, base_id, promoted_by) VALUES (v_tenant, v_base, attune.caller())
    ON CONFLICT (tenant_id) DO UPDATE SET base_id = excluded.base_id, previous_base_id = a.base_id, epoch = a.epoch + 1,
        promoted_at = clock_timestamp(), promoted_by = excluded.promoted_by
    WHERE a.base_id <> excluded.base_id
    RETURNING a.epoch INTO v_epoch;
    RETURN coalesce(v_epoch, (SELECT a.epoch FROM attune.active_base a WHERE a.tenant_id = v_tenant));
END
$$;
COMMENT ON FUNCTION attune.promote(text, text) IS 'Makes a base (name or digest) the one that serves the tenant: one row. Returns the epoch. Promoting the previous base again is the way back.';
