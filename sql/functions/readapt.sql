-- One row, whatever the number of users: the scheduler feeds it. What is null takes the table's default.
CREATE OR REPLACE FUNCTION attune.readapt(
    tenant text, base text, kind text DEFAULT 'adapt', canary_users int DEFAULT NULL, wave_growth real DEFAULT NULL,
    judged_users int DEFAULT NULL, margin real DEFAULT NULL, rate_limit real DEFAULT NULL, promotes_itself boolean DEFAULT false,
    rollback_window interval DEFAULT NULL, warm_start text DEFAULT 'recipe'
) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_base attune.base;
    v_from attune.base;
    v_kind smallint;
    v_recipe int;
    v_from_recipe int;
    v_campaign int;
BEGIN
    SELECT b.* INTO v_base FROM attune.base b WHERE b.name = readapt.base OR b.digest = readapt.base;
    SELECT k.kind_id INTO v_kind FROM attune.kind k WHERE k.name = readapt.kind;
    SELECT r.recipe_id INTO v_recipe FROM attune.active_recipe r
    WHERE r.tenant_id = v_tenant AND r.base_id = v_base.base_id AND r.kind_id = v_kind;
    SELECT b.* INTO v_from FROM attune.active_base a JOIN attune.base b ON b.base_id = a.base_id WHERE a.tenant_id = v_tenant;
    SELECT r.recipe_id INTO v_from_recipe FROM attune.active_recipe r
    WHERE r.tenant_id = v_tenant AND r.base_id = v_from.base_id AND r.kind_id = v_kind;
    IF v_base.base_id IS NULL THEN
        PERFORM attune.refuse('unknown_base', tenant, format('no base %L', left(readapt.base, 70)), 'attune base add FOLDER');
    ELSIF v_kind IS NULL THEN
        PERFORM attune.refuse('unknown_kind', tenant, format('no kind %L', left(readapt.kind, 40)), 'SELECT name FROM attune.kind');
    ELSIF v_recipe IS NULL THEN
        PERFORM attune.refuse('no_active_recipe', tenant, 'no recipe is active under that base', 'attune recipe activate, then again');
    ELSIF NOT coalesce(canary_users BETWEEN 1 AND 10000, true) OR NOT coalesce(wave_growth BETWEEN 1 AND 1000, true)
        OR NOT coalesce(judged_users BETWEEN 0 AND 100000, true) OR NOT coalesce(margin > 0 AND margin <= 10, true)
        OR NOT coalesce(rate_limit > 0 AND rate_limit < 1e9, true) OR NOT coalesce(rollback_window >= '0', true) THEN
        PERFORM attune.refuse('bad_campaign', tenant,
            'canary_users is 1 to 10000, wave_growth 1 to 1000, judged_users 0 to 100000, margin above 0 to 10 nats, rate_limit above 0, rollback_window not negative',
            'correct it; nothing was started');
    ELSIF readapt.warm_start IS DISTINCT FROM 'recipe' AND readapt.warm_start IS DISTINCT FROM 'delta' THEN
        PERFORM attune.refuse('bad_campaign', tenant, format('no warm start %L', left(readapt.warm_start, 40)),
            'recipe: everyone starts from the recipe; delta: from a copy of what they have');
    ELSIF readapt.warm_start = 'delta' AND v_from.base_id IS NULL THEN
        PERFORM attune.refuse('no_active_base', tenant, 'there is nothing to copy: no base serves the tenant',
            'start from the recipe: warm_start => ''recipe''');
    ELSIF readapt.warm_start = 'delta' AND v_from.width <> v_base.width THEN
        PERFORM attune.refuse('width_mismatch', tenant,
            format('base %s has %s features, %s has %s: a delta of one fits no head of the other', v_from.name, v_from.width,
                v_base.name, v_base.width),
            'start from the recipe: warm_start => ''recipe''');
    ELSIF readapt.warm_start = 'delta' AND (readapt.judged_users = 0 OR v_from_recipe IS NULL) THEN
        PERFORM attune.refuse('bad_campaign', tenant,
            'a copy has seen the examples that would judge it: only the waves'' held-out tails say whether it harms',
            'judge users (and have a recipe active under the base before), or start from the recipe');
    END IF;
    INSERT INTO attune.campaign AS c (tenant_id, base_id, kind_id, created_by, recipe_id, from_base_id, from_recipe_id,
        canary_users, wave_growth, judged_users, margin, rate_limit, promotes_itself, rollback_window, warm_start, first_job)
    SELECT v_tenant, v_base.base_id, v_kind, attune.caller(), v_recipe, v_from.base_id, v_from_recipe,
        coalesce(readapt.canary_users, 500), coalesce(readapt.wave_growth, 4),
        -- Nothing to compare with: nothing is judged.
        CASE WHEN v_from_recipe IS NULL THEN 0 ELSE coalesce(readapt.judged_users, 500) END,
        coalesce(readapt.margin, 0.02), readapt.rate_limit, coalesce(readapt.promotes_itself, false),
        coalesce(readapt.rollback_window, '24 hours'), readapt.warm_start, s.last_value * 1024
    FROM attune.chunk_id_seq s
    ON CONFLICT (tenant_id, base_id) WHERE state IN ('running', 'paused') DO NOTHING
    RETURNING c.campaign_id INTO v_campaign;
    IF v_campaign IS NULL THEN
        PERFORM attune.refuse('already_exists', tenant, 'a campaign under that base is under way', 'SELECT * FROM attune.campaigns');
    END IF;
    RETURN v_campaign;
END
$$;
COMMENT ON FUNCTION attune.readapt(text, text, text, int, real, int, real, real, boolean, interval, text) IS 'Starts a campaign: all users of the tenant are adapted under a base (name or digest): a canary, then waves, each judged on held-out tails, then sweeps until few users remain and it may be promoted. warm_start: from the recipe''s start, or (delta) from a copy of what each user has under the base before, where both have as many features. One row, whatever the number of users. Returns its id.';
