-- As a trigger, so that a row changed by hand is told of as one changed by a function. Users by uid: what is told here
-- outlives their erasure.
CREATE OR REPLACE FUNCTION attune.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_new jsonb := to_jsonb(NEW);
    v_old jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ELSE '{}' END;
    v_changed jsonb;
    v_key jsonb;
    v_columns text[] := TG_ARGV;
BEGIN
    SELECT coalesce(jsonb_object_agg(n.key, n.value), '{}') INTO v_changed
    FROM jsonb_each(v_new) AS n WHERE n.value IS DISTINCT FROM v_old -> n.key AND n.key <> ALL (ARRAY['user_id', 'tenant_id', 'only_row', 'tokens', 'refilled_at']);
    SELECT coalesce(jsonb_object_agg(n.key, n.value), '{}') INTO v_key
    FROM jsonb_each(v_new) AS n WHERE n.key = ANY (v_columns);
    IF v_changed <> '{}' THEN
        PERFORM attune.note_action(TG_ARGV[0], (v_new ->> 'tenant_id')::int, v_key || v_changed, '{"rows": 1}');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION attune.note_change() IS 'Writes a row of attune.audit for a row that was added or changed: arguments are the action''s name, then the columns that say which row.';
