CREATE OR REPLACE FUNCTION attune.rollback_base(tenant text, expected_epoch bigint DEFAULT NULL, force boolean DEFAULT false)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_now attune.active_base;
    v_open timestamptz;
BEGIN
    SELECT a.* INTO v_now FROM attune.active_base a WHERE a.tenant_id = v_tenant;
    IF v_now.previous_base_id IS NULL THEN
        PERFORM attune.refuse('unknown_base', tenant, 'no base served before this one', 'attune base activate');
    END IF;
    SELECT max(c.window_ends_at) INTO v_open FROM attune.campaign c
    WHERE c.tenant_id = v_tenant AND c.base_id = v_now.base_id AND c.state = 'promoted' AND c.from_base_id = v_now.previous_base_id;
    IF NOT force AND (v_open IS NULL OR v_open < clock_timestamp()) THEN
        PERFORM attune.refuse('window_closed', tenant,
            'the base before is no longer kept up: users who changed since would get what they had then',
            'start a campaign back to it, or roll back with force => true');
    END IF;
    RETURN attune.switch_base(v_tenant, v_now.previous_base_id, coalesce(expected_epoch, v_now.epoch));
END
$$;
COMMENT ON FUNCTION attune.rollback_base(text, bigint, boolean) IS 'Makes the base before serve the tenant again: one row, if the epoch is still expected_epoch. Inside the rollback window of a campaign users that changed meanwhile have been adapted under both bases; after it, refused unless force. Returns the epoch.';
