CREATE OR REPLACE FUNCTION attune.activate_recipe(tenant text, recipe text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_recipe attune.recipe;
    v_epoch bigint;
BEGIN
    SELECT r.* INTO v_recipe FROM attune.recipe r
    WHERE r.digest = activate_recipe.recipe AND (r.tenant_id IS NULL OR r.tenant_id = v_tenant)
    ORDER BY r.tenant_id NULLS LAST LIMIT 1;
    IF v_recipe.recipe_id IS NULL THEN
        PERFORM attune.refuse('unknown_recipe', tenant, format('no recipe with digest %L', left(activate_recipe.recipe, 70)),
            'attune recipe list');
    END IF;
    INSERT INTO attune.active_recipe AS a (tenant_id, base_id, kind_id, recipe_id, activated_by)
    VALUES (v_tenant, v_recipe.base_id, v_recipe.kind_id, v_recipe.recipe_id, attune.caller())
    ON CONFLICT (tenant_id, base_id, kind_id) DO UPDATE SET recipe_id = excluded.recipe_id, epoch = a.epoch + 1,
        activated_at = clock_timestamp(), activated_by = excluded.activated_by
    WHERE a.recipe_id <> excluded.recipe_id
    RETURNING a.epoch INTO v_epoch;
    RETURN coalesce(v_epoch, (SELECT a.epoch FROM attune.active_recipe a WHERE a.tenant_id = v_tenant
        AND a.base_id = v_recipe.base_id AND a.kind_id = v_recipe.kind_id));
END
$$;
COMMENT ON FUNCTION attune.activate_recipe(text, text) IS 'Lets the tenant''s jobs under the recipe''s base use this recipe (by digest) from their next claim on. Returns the epoch.';
