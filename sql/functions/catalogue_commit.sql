CREATE OR REPLACE FUNCTION attune.catalogue_commit(tenant text, catalogue text DEFAULT 'default')
RETURNS TABLE (added bigint, changed bigint, unchanged bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_catalogue int;
    v_bad record;
    v_rows bigint;
BEGIN
    PERFORM attune.require_staging('attune_items', 'attune.catalogue_begin()');
    IF NOT coalesce(catalogue_commit.catalogue <> '' AND length(catalogue_commit.catalogue) <= 200, false) THEN
        PERFORM attune.refuse('bad_name', tenant, 'a catalogue''s name has 1 to 200 characters', 'choose another name');
    END IF;
    SELECT j.* INTO v_bad FROM (
        SELECT n.line, n.item, length(n.text) AS characters, CASE
            WHEN n.item = '' OR length(n.item) > 200 THEN 'bad_item_id'
            WHEN n.text !~ '\S' THEN 'empty_text'
            WHEN length(n.text) > 20000 THEN 'text_too_long'
            WHEN n.nth > 1 THEN 'duplicate_item'
        END AS error_class
        FROM (SELECT s.*, row_number() OVER (PARTITION BY s.item ORDER BY s.line) AS nth
            FROM (SELECT row_number() OVER () AS line, i.* FROM pg_temp.attune_items i) AS s) AS n
    ) AS j WHERE j.error_class IS NOT NULL ORDER BY j.line LIMIT 1;
    IF FOUND THEN
        PERFORM attune.refuse(v_bad.error_class, format('%s/%s: row %s', tenant, catalogue, v_bad.line),
            CASE v_bad.error_class
                WHEN 'bad_item_id' THEN format('item id %L has %s characters, allowed are 1 to 200', left(v_bad.item, 40), length(v_bad.item))
                WHEN 'empty_text' THEN format('the text of item %L is empty', left(v_bad.item, 40))
                WHEN 'text_too_long' THEN format('item %L has %s characters of text, the limit is 20000', left(v_bad.item, 40), v_bad.characters)
                ELSE format('item %L stands in an earlier row too', left(v_bad.item, 40))
            END, 'correct that row; nothing was imported');
    END IF;
    INSERT INTO attune.catalogue (tenant_id, name) VALUES (v_tenant, catalogue_commit.catalogue) ON CONFLICT DO NOTHING;
    SELECT c.catalogue_id INTO v_catalogue FROM attune.catalogue c
    WHERE c.tenant_id = v_tenant AND c.name = catalogue_commit.catalogue;
    SELECT count(*) INTO v_rows FROM pg_temp.attune_items;
    -- An item whose text changes keeps its id: what users said about it is still about it. Its features are another matter,
    -- and are found by the text's digest. In the order of the id, so that two imports do not deadlock.
    WITH put AS (
        INSERT INTO attune.item AS t (tenant_id, catalogue_id, external_id, text)
        SELECT v_tenant, v_catalogue, i.item, i.text FROM pg_temp.attune_items i ORDER BY i.item
        ON CONFLICT (catalogue_id, external_id) DO UPDATE SET text = excluded.text WHERE t.text <> excluded.text
        RETURNING t.xmax = 0 AS is_new
    )
    SELECT count(*) FILTER (WHERE p.is_new), count(*) FILTER (WHERE NOT p.is_new) INTO added, changed FROM put p;
    unchanged := v_rows - added - changed;
    DROP TABLE pg_temp.attune_items;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.catalogue_commit(text, text) IS 'Adds to a catalogue, and changes in it, everything in the temporary table of attune.catalogue_begin, all or nothing; an error names the first bad row. Items that are not in the table stay.';
