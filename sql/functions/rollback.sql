CREATE OR REPLACE FUNCTION attune.rollback(tenant text, user_id text, to_number int, from_number int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_uid bigint := attune.require_user(tenant, v_tenant, rollback.user_id);
    v_location text := tenant || '/' || rollback.user_id;
    v_base int;
    v_now attune.pointer;
    v_current int;
    v_target attune.revision;
BEGIN
    SELECT a.base_id INTO v_base FROM attune.active_base a WHERE a.tenant_id = v_tenant;
    PERFORM FROM attune."user" u WHERE u.uid = v_uid FOR KEY SHARE;
    SELECT p.* INTO v_now FROM attune.pointer p WHERE p.uid = v_uid AND p.base_id = v_base FOR UPDATE;
    SELECT coalesce((SELECT r.number FROM attune.revision r WHERE r.revision_id = v_now.revision_id), 0) INTO v_current;
    IF v_current <> rollback.from_number THEN
        PERFORM attune.refuse('stale_revision', v_location,
            format('the user uses revision %s, not %s', v_current, rollback.from_number), 'look at the user again; nothing was changed');
    END IF;
    SELECT r.* INTO v_target FROM attune.revision r
    WHERE r.uid = v_uid AND r.base_id = v_base AND r.number = rollback.to_number;
    IF rollback.to_number <> 0 AND v_target.revision_id IS NULL THEN
        PERFORM attune.refuse('unknown_revision', v_location,
            format('no revision %s under the active base', rollback.to_number), 'SELECT number FROM attune.revision, or 0 for the recipe''s start');
    END IF;
    -- Data that only later revisions had seen counts as new again.
    UPDATE attune.pointer p SET revision_id = v_target.revision_id, judged_through = coalesce(v_target.data_through, 0),
        recipe_id = coalesce(v_target.recipe_id, p.recipe_id), updated_at = clock_timestamp()
    WHERE p.uid = v_uid AND p.base_id = v_base;
    PERFORM attune.note_action('rollback', v_tenant, jsonb_build_object('uid', v_uid, 'from', rollback.from_number, 'to', rollback.to_number),
        '{"users": 1}');
    RETURN v_target.revision_id;
END
$$;
COMMENT ON FUNCTION attune.rollback(text, text, int, int) IS 'Lets a user use an earlier revision (by number; 0: the recipe''s start) if the current one is still from_number; else the error stale_revision. The user''s next job adapts from there. Returns the revision''s id.';
