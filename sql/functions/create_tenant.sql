CREATE OR REPLACE FUNCTION attune.create_tenant(name text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made_id int;
    made_flow int;
BEGIN
    IF create_tenant.name IS NULL OR create_tenant.name !~ '^[a-z0-9][a-z0-9._-]{0,62}$' THEN
        PERFORM attune.refuse('bad_name', left(coalesce(create_tenant.name, 'null'), 40),
            'a tenant''s name is 1 to 63 of a-z, 0-9, dot, dash and underscore, a letter or digit first',
            'choose another name');
    END IF;
    INSERT INTO attune.tenant (name, key_prefix) VALUES (create_tenant.name, create_tenant.name)
    ON CONFLICT DO NOTHING RETURNING tenant_id INTO made_id;
    IF made_id IS NULL THEN
        PERFORM attune.refuse('already_exists', create_tenant.name, 'a tenant of that name exists', 'use it, or choose another name');
    END IF;
    FOR made_flow IN
        INSERT INTO attune.flow (tenant_id, name, weight, base_tag)
        SELECT made_id, f.name, f.weight, c.virtual_time
        FROM (VALUES ('interactive', 10), ('bulk', 3), ('campaign', 1)) AS f (name, weight), attune.fair_clock c
        RETURNING flow_id
    LOOP
        EXECUTE format('CREATE SEQUENCE attune.flow_%s_seq', made_flow);
        EXECUTE format('CREATE SEQUENCE attune.flow_%s_hundreds_seq INCREMENT 100 START 100', made_flow);
    END LOOP;
    RETURN made_id;
END
$$;
COMMENT ON FUNCTION attune.create_tenant(text) IS 'Makes a tenant and its three flows (weights: interactive 10, bulk 3, campaign 1); returns its id.';
