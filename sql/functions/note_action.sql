CREATE OR REPLACE FUNCTION attune.note_action(p_action text, p_tenant int, p_filter jsonb, p_counts jsonb) RETURNS bigint LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO attune.audit (who, action, tenant_id, filter, counts, ended_at)
    VALUES (attune.caller(), p_action, p_tenant, p_filter, p_counts, clock_timestamp()) RETURNING audit_id
$$;
COMMENT ON FUNCTION attune.note_action(text, int, jsonb, jsonb) IS 'One row of attune.audit for an action that is done: which rows it was for, how many it changed.';
