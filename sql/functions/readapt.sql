CREATE OR REPLACE FUNCTION attune.readapt(tenant text, base text, kind text DEFAULT 'adapt') RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_base int;
    v_kind smallint;
    v_campaign int;
BEGIN
    SELECT b.base_id INTO v_base FROM attune.base b WHERE b.name = readapt.base OR b.digest = readapt.base;
    SELECT k.kind_id INTO v_kind FROM attune.kind k WHERE k.name = readapt.kind;
    IF v_base IS NULL THEN
        PERFORM attune.refuse('unknown_base', tenant, format('no base %L', left(readapt.base, 70)), 'attune base register');
    ELSIF v_kind IS NULL THEN
        PERFORM attune.refuse('unknown_kind', tenant, format('no kind %L', left(readapt.kind, 40)), 'SELECT name FROM attune.kind');
    ELSIF NOT EXISTS (SELECT FROM attune.active_recipe a WHERE a.tenant_id = v_tenant AND a.base_id = v_base AND a.kind_id = v_kind) THEN
        PERFORM attune.refuse('no_active_recipe', tenant, 'no recipe is active under that base', 'attune recipe activate, then again');
    END IF;
    INSERT INTO attune.campaign (tenant_id, base_id, kind_id, created_by) VALUES (v_tenant, v_base, v_kind, attune.caller())
    ON CONFLICT (tenant_id, base_id) WHERE state IN ('running', 'paused') DO NOTHING
    RETURNING campaign_id INTO v_campaign;
    IF v_campaign IS NULL THEN
        PERFORM attune.refuse('already_exists', tenant, 'a campaign under that base is under way', 'SELECT * FROM attune.campaigns');
    END IF;
    RETURN v_campaign;
END
$$;
COMMENT ON FUNCTION attune.readapt(text, text, text) IS 'Starts a campaign: all users of the tenant are adapted under a base, fed in bounded steps. One row, whatever the number of users. Returns its id.';
