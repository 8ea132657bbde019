CREATE OR REPLACE FUNCTION attune.record(tenant text, user_id text, examples jsonb, catalogue text DEFAULT 'default')
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_location text := tenant || '/' || left(record.user_id, 40);
    v_items int[];
    v_texts text[];
    v_labels real[];
    v_bad_pos bigint;
    v_uid bigint;
    v_seq bigint;
BEGIN
    IF record.user_id IS NULL OR record.user_id = '' OR length(record.user_id) > 200 THEN
        PERFORM attune.refuse('bad_user_id', tenant, 'a user id has 1 to 200 characters', 'choose another id');
    ELSIF examples IS NULL OR jsonb_typeof(examples) <> 'array' OR jsonb_array_length(examples) = 0 THEN
        PERFORM attune.refuse('no_examples', v_location, 'examples is not an array with at least one element',
            'pass [{"item": "m17", "label": 1}, {"text": "…", "label": 0}]');
    ELSIF jsonb_array_length(examples) > 4096 THEN
        PERFORM attune.refuse('too_many_examples', v_location,
            format('%s examples in one call, the limit is 4096', jsonb_array_length(examples)), 'record them in several calls');
    END IF;
    SELECT array_agg(x.item_id ORDER BY x.pos), array_agg(x.text ORDER BY x.pos), array_agg(x.label ORDER BY x.pos),
        min(x.pos) FILTER (WHERE x.error_class IS NOT NULL)
    INTO v_items, v_texts, v_labels, v_bad_pos FROM attune.judge_examples(v_tenant, examples, record.catalogue) AS x;
    IF v_bad_pos IS NOT NULL THEN
        PERFORM attune.refuse(x.error_class, v_location, format('example %s: %s', x.pos, x.reason), x.remedy)
        FROM attune.judge_examples(v_tenant, examples, record.catalogue) AS x WHERE x.pos = v_bad_pos;
    ELSIF attune.text_bytes(v_texts) > 1048576 THEN
        PERFORM attune.refuse('too_much_text', v_location,
            format('%s bytes of text in one call, the limit is 1048576', attune.text_bytes(v_texts)), 'record them in several calls');
    END IF;
    INSERT INTO attune."user" AS u (tenant_id, user_id, data_seq) VALUES (v_tenant, record.user_id, cardinality(v_labels))
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET data_seq = u.data_seq + excluded.data_seq
    RETURNING u.uid, u.data_seq INTO v_uid, v_seq;
    INSERT INTO attune.user_data (uid, seq, tenant_id, example_count, items, labels, texts)
    VALUES (v_uid, v_seq, v_tenant, cardinality(v_labels),
        CASE WHEN array_remove(v_items, NULL) <> '{}' THEN v_items END, v_labels,
        CASE WHEN array_remove(v_texts, NULL) <> '{}' THEN v_texts END);
    RETURN v_seq;
END
$$;
COMMENT ON FUNCTION attune.record(text, text, jsonb, text) IS 'Adds examples of a user, inside the caller''s own transaction: [{"item": "m17", "label": 1}, {"text": "…", "label": 0}]. Makes the user if need be; returns how many examples the user has now. Enqueues nothing.';
