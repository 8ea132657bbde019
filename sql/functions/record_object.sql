CREATE OR REPLACE FUNCTION attune.record_object(
    tenant text, user_id text, example_count int, object_key text, sha256 bytea, byte_count bigint
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_uid bigint;
    v_seq bigint;
BEGIN
    IF NOT starts_with(record_object.object_key, (SELECT t.key_prefix || '/' FROM attune.tenant t WHERE t.tenant_id = v_tenant)) THEN
        PERFORM attune.refuse('not_allowed', tenant || '/' || left(record_object.user_id, 40),
            'the object does not lie under the tenant''s key prefix', 'store it under the prefix that attune.tenant names');
    ELSIF NOT coalesce(record_object.example_count > 0 AND record_object.byte_count > 0 AND length(record_object.sha256) = 32, false) THEN
        PERFORM attune.refuse('bad_object', tenant || '/' || left(record_object.user_id, 40),
            'an object of examples has a count and a size above 0 and a SHA-256 of 32 bytes', 'give all three');
    END IF;
    INSERT INTO attune."user" AS u (tenant_id, user_id, data_seq) VALUES (v_tenant, record_object.user_id, record_object.example_count)
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET data_seq = u.data_seq + excluded.data_seq
    RETURNING u.uid, u.data_seq INTO v_uid, v_seq;
    INSERT INTO attune.user_data (uid, seq, tenant_id, example_count, object_key, sha256, byte_count)
    VALUES (v_uid, v_seq, v_tenant, record_object.example_count, record_object.object_key, record_object.sha256,
        record_object.byte_count);
    RETURN v_seq;
END
$$;
COMMENT ON FUNCTION attune.record_object(text, text, int, text, bytea, bigint) IS 'Adds examples that lie in an object of the store, with its digest: for recordings above the inline limit.';
