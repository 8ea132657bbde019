-- The base moves with the weight, so that the next tag is the one it would have been: what was tagged before stays in place.
CREATE OR REPLACE FUNCTION attune.set_flow(tenant text, flow text, weight real) RETURNS real LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'operate');
    v_flow attune.flow;
    v_drawn bigint;
BEGIN
    IF NOT coalesce(set_flow.weight >= 0.001 AND set_flow.weight <= 1000000, false) THEN
        PERFORM attune.refuse('bad_weight', tenant, format('a weight of %s', coalesce(set_flow.weight::text, 'null')),
            'give .001 to 1000000');
    END IF;
    SELECT f.* INTO v_flow FROM attune.flow f WHERE f.tenant_id = v_tenant AND f.name = set_flow.flow FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM attune.refuse('unknown_flow', tenant, format('no flow %L', left(set_flow.flow, 40)),
            'say interactive, bulk or campaign');
    END IF;
    v_drawn := attune.flow_drawn(v_flow.flow_id);
    UPDATE attune.flow f SET weight = set_flow.weight,
        base_tag = f.base_tag + (v_drawn * 1000.0 / f.weight)::bigint - (v_drawn * 1000.0 / set_flow.weight)::bigint
    WHERE f.flow_id = v_flow.flow_id;
    RETURN v_flow.weight;
END
$$;
COMMENT ON FUNCTION attune.set_flow(text, text, real) IS 'Sets a flow''s share of service relative to other flows with work waiting, for jobs enqueued from now on (made with: interactive 10, bulk 3, campaign 1); returns what it was.';
