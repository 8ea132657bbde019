CREATE OR REPLACE FUNCTION attune.register_recipe(
    tenant text, base_digest text, kind text, name text, figures jsonb, bytes bytea
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int;
    v_base int := (SELECT b.base_id FROM attune.base b WHERE b.digest = register_recipe.base_digest);
    v_kind smallint := (SELECT k.kind_id FROM attune.kind k WHERE k.name = register_recipe.kind);
    v_digest text := encode(sha256(register_recipe.bytes), 'hex');
    v_recipe int;
BEGIN
    IF register_recipe.tenant IS NOT NULL THEN
        v_tenant := attune.require_tenant(tenant, 'produce');
    ELSIF NOT (pg_has_role(attune.caller(), current_user, 'USAGE') OR pg_has_role(attune.caller(), 'attune_operator', 'USAGE')) THEN
        PERFORM attune.refuse('not_allowed', 'recipe', format('role %s may not register a recipe for every tenant', attune.caller()),
            'name a tenant, or have an operator do it');
    END IF;
    IF v_base IS NULL THEN
        PERFORM attune.refuse('unknown_base', left(coalesce(register_recipe.name, 'null'), 40),
            format('no base with digest %s', left(coalesce(register_recipe.base_digest, 'null'), 64)), 'attune base register');
    ELSIF v_kind IS NULL THEN
        PERFORM attune.refuse('unknown_kind', left(coalesce(register_recipe.name, 'null'), 40),
            format('no kind of job %L', left(register_recipe.kind, 40)), 'SELECT name FROM attune.kind');
    ELSIF NOT coalesce(register_recipe.name <> '' AND length(register_recipe.name) <= 200 AND length(register_recipe.bytes) > 0, false) THEN
        PERFORM attune.refuse('bad_recipe', left(coalesce(register_recipe.name, 'null'), 40),
            'a recipe has a name of 1 to 200 characters and at least one byte', 'correct it');
    END IF;
    INSERT INTO attune.recipe (tenant_id, base_id, kind_id, digest, name, figures, byte_count)
    VALUES (v_tenant, v_base, v_kind, v_digest, register_recipe.name, coalesce(register_recipe.figures, '{}'),
        length(register_recipe.bytes))
    ON CONFLICT (digest, tenant_id) DO NOTHING RETURNING recipe_id INTO v_recipe;
    IF v_recipe IS NOT NULL THEN
        INSERT INTO attune.recipe_file (recipe_id, bytes) VALUES (v_recipe, register_recipe.bytes);
    END IF;
    RETURN v_digest;
END
$$;
COMMENT ON FUNCTION attune.register_recipe(text, text, text, text, jsonb, bytea) IS 'Makes a recipe file known, for one tenant or (tenant null; operators only) for all; the same file again changes nothing. Returns its digest.';
