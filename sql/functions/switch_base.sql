-- The instant at which serving moves: one row. Campaigns are locked first, in the order of their ids, then the row; what
-- is compared is compared under that lock.
CREATE OR REPLACE FUNCTION attune.switch_base(p_tenant int, p_base int, p_expected_epoch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_now attune.active_base;
    v_epoch bigint;
    v_promoted attune.campaign;
    v_recipe int;
BEGIN
    PERFORM FROM attune.campaign c WHERE c.tenant_id = p_tenant AND c.state IN ('running', 'paused', 'promoted')
    ORDER BY c.campaign_id FOR UPDATE;
    SELECT a.* INTO v_now FROM attune.active_base a WHERE a.tenant_id = p_tenant FOR UPDATE;
    IF p_expected_epoch IS NOT NULL AND p_expected_epoch <> coalesce(v_now.epoch, 0) THEN
        PERFORM attune.refuse('stale_epoch', (SELECT t.name FROM attune.tenant t WHERE t.tenant_id = p_tenant),
            format('the active base is at epoch %s, not %s', coalesce(v_now.epoch, 0), p_expected_epoch),
            'look again which base serves; nothing was changed');
    END IF;
    INSERT INTO attune.active_base AS a (tenant_id, base_id, promoted_by) VALUES (p_tenant, p_base, attune.caller())
    ON CONFLICT (tenant_id) DO UPDATE SET base_id = excluded.base_id, previous_base_id = a.base_id, epoch = a.epoch + 1,
        promoted_at = clock_timestamp(), promoted_by = excluded.promoted_by
    WHERE a.base_id <> excluded.base_id
    RETURNING a.epoch INTO v_epoch;
    IF v_epoch IS NULL THEN
        RETURN (SELECT a.epoch FROM attune.active_base a WHERE a.tenant_id = p_tenant);
    END IF;
    -- What the base before had been promoted by: undone when this is the way back, over when it goes on elsewhere.
    UPDATE attune.campaign c SET ended_at = clock_timestamp(),
        state = CASE WHEN c.purpose = 'adopt' AND c.from_base_id = p_base THEN 'rolled_back' ELSE 'completed' END
    WHERE c.tenant_id = p_tenant
        AND ((c.state = 'promoted' AND c.base_id = v_now.base_id)
            OR (c.purpose = 'keep' AND c.state IN ('running', 'paused')));
    UPDATE attune.campaign c SET state = 'promoted', reason = NULL, promoted_at = clock_timestamp(),
        window_ends_at = clock_timestamp() + c.rollback_window, from_base_id = v_now.base_id,
        phase = CASE c.phase WHEN 'ready' THEN 'ready' ELSE 'sweep' END,
        cursor_uid = CASE c.phase WHEN 'canary' THEN 0 WHEN 'waves' THEN 0 ELSE c.cursor_uid END
    WHERE c.tenant_id = p_tenant AND c.base_id = p_base AND c.purpose = 'adopt' AND c.state IN ('running', 'paused')
    RETURNING c.* INTO v_promoted;
    IF v_promoted.campaign_id IS NOT NULL AND v_now.base_id IS NOT NULL AND v_promoted.rollback_window > '0' THEN
        SELECT r.recipe_id INTO v_recipe FROM attune.active_recipe r
        WHERE r.tenant_id = p_tenant AND r.base_id = v_now.base_id AND r.kind_id = v_promoted.kind_id;
        INSERT INTO attune.campaign (tenant_id, base_id, kind_id, created_by, purpose, parent_id, phase, cursor_uid, recipe_id,
            judged_users, rate_limit, first_job, window_ends_at, users)
        SELECT p_tenant, v_now.base_id, v_promoted.kind_id, attune.caller(), 'keep', v_promoted.campaign_id, 'sweep', 0, v_recipe,
            0, v_promoted.rate_limit, s.last_value * 1024, v_promoted.window_ends_at, v_promoted.users
        FROM attune.chunk_id_seq s WHERE v_recipe IS NOT NULL
        ON CONFLICT (tenant_id, base_id) WHERE state IN ('running', 'paused') DO NOTHING;
    END IF;
    RETURN v_epoch;
END
$$;
COMMENT ON FUNCTION attune.switch_base(int, int, bigint) IS 'Makes a base serve a tenant if the epoch is still the expected one (null: whatever it is), and settles the campaigns that this promotes, undoes or overtakes. Returns the epoch.';
