CREATE OR REPLACE FUNCTION attune.record_commit(tenant text, catalogue text DEFAULT 'default')
RETURNS TABLE (recordings bigint, users bigint, examples bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_catalogue int;
    v_bad record;
BEGIN
    PERFORM attune.require_staging('attune_recording', 'attune.record_begin()');
    SELECT c.catalogue_id INTO v_catalogue FROM attune.catalogue c WHERE c.tenant_id = v_tenant AND c.name = record_commit.catalogue;
    CREATE TEMPORARY TABLE attune_recorded ON COMMIT DROP AS
    SELECT r.line, r.user_id, r.labels, r.texts, cardinality(r.labels) AS example_count, i.items, i.unknown
    FROM (SELECT row_number() OVER () AS line, s.* FROM pg_temp.attune_recording s) AS r
    LEFT JOIN (
        SELECT n.line, array_agg(t.item_id ORDER BY n.pos) AS items,
            (array_agg(n.item ORDER BY n.pos) FILTER (WHERE n.item IS NOT NULL AND t.item_id IS NULL))[1] AS unknown
        FROM (
            SELECT q.line, x.item, x.pos FROM (SELECT row_number() OVER () AS line, s.items FROM pg_temp.attune_recording s) AS q
            CROSS JOIN LATERAL unnest(q.items) WITH ORDINALITY AS x (item, pos)
        ) AS n LEFT JOIN attune.item t ON t.catalogue_id = v_catalogue AND t.external_id = n.item
        GROUP BY n.line
    ) AS i ON i.line = r.line;
    SELECT j.* INTO v_bad FROM (
        SELECT r.line, r.user_id, r.unknown, CASE
            WHEN r.user_id = '' OR length(r.user_id) > 200 THEN 'bad_user_id'
            WHEN r.example_count = 0 THEN 'no_examples'
            WHEN r.example_count > 4096 THEN 'too_many_examples'
            WHEN coalesce(cardinality(r.items), r.example_count) <> r.example_count
                OR coalesce(cardinality(r.texts), r.example_count) <> r.example_count
                OR (r.items IS NULL AND r.texts IS NULL) THEN 'bad_example'
            WHEN EXISTS (SELECT FROM unnest(r.labels) AS l
                WHERE l IS NULL OR l IN ('NaN', 'Infinity', '-Infinity')) THEN 'bad_label'
            WHEN r.unknown IS NOT NULL THEN 'unknown_item'
            WHEN EXISTS (SELECT FROM unnest(r.texts) AS t WHERE length(t) > 20000) THEN 'text_too_long'
            WHEN EXISTS (SELECT FROM unnest(r.texts) AS t WHERE t !~ '\S') THEN 'empty_text'
            WHEN attune.text_bytes(r.texts) > 1048576 THEN 'too_much_text'
            WHEN EXISTS (SELECT FROM generate_series(1, r.example_count) AS n
                WHERE (r.items[n] IS NULL) = (r.texts[n] IS NULL)) THEN 'bad_example'
        END AS error_class
        FROM pg_temp.attune_recorded r
    ) AS j WHERE j.error_class IS NOT NULL ORDER BY j.line LIMIT 1;
    IF FOUND THEN
        PERFORM attune.refuse(v_bad.error_class, format('%s: row %s', tenant, v_bad.line),
            format('the recording of user %L cannot be accepted%s', left(v_bad.user_id, 40),
                CASE v_bad.error_class WHEN 'unknown_item' THEN format(': item %L is not in catalogue %s', left(v_bad.unknown, 40), catalogue)
                    ELSE '' END),
            'correct that row; nothing was recorded');
    END IF;
    -- In the order of the id: two imports that overlap wait for each other instead of deadlocking.
    INSERT INTO attune."user" AS u (tenant_id, user_id, data_seq)
    SELECT v_tenant, r.user_id, sum(r.example_count) FROM pg_temp.attune_recorded r GROUP BY r.user_id ORDER BY r.user_id
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET data_seq = u.data_seq + excluded.data_seq;
    users := (SELECT count(DISTINCT r.user_id) FROM pg_temp.attune_recorded r);
    INSERT INTO attune.user_data (uid, seq, tenant_id, example_count, items, labels, texts)
    SELECT u.uid, u.data_seq - sum(r.example_count) OVER later + r.example_count, v_tenant, r.example_count,
        CASE WHEN array_remove(r.items, NULL) <> '{}' THEN r.items END, r.labels,
        CASE WHEN array_remove(r.texts, NULL) <> '{}' THEN r.texts END
    FROM pg_temp.attune_recorded r JOIN attune."user" u ON u.tenant_id = v_tenant AND u.user_id = r.user_id
    WINDOW later AS (PARTITION BY r.user_id ORDER BY r.line DESC);
    SELECT count(*), coalesce(sum(r.example_count), 0) INTO recordings, examples FROM pg_temp.attune_recorded r;
    DROP TABLE pg_temp.attune_recorded, pg_temp.attune_recording;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.record_commit(text, text) IS 'Records everything in the temporary table of attune.record_begin, all or nothing; an error names the first bad row.';
