CREATE OR REPLACE FUNCTION attune.catalogue_commit(tenant text, catalogue text DEFAULT 'default', replace boolean DEFAULT true)
RETURNS TABLE (items bigint, added bigint, differing bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_catalogue int;
    v_bad record;
BEGIN
    PERFORM attune.require_staging('attune_items', 'attune.catalogue_begin()');
    IF coalesce(length(catalogue_commit.catalogue), 0) NOT BETWEEN 1 AND 200 THEN
        PERFORM attune.refuse('bad_name', tenant, 'a catalogue''s name has 1 to 200 characters', 'choose another name');
    END IF;
    SELECT j.* INTO v_bad FROM (
        SELECT s.line, CASE
            WHEN length(s.external_id) NOT BETWEEN 1 AND 200 THEN 'bad_item_id'
            WHEN length(s.text) > 20000 THEN 'text_too_long'
            WHEN s.text !~ '\S' THEN 'empty_text'
        END AS error_class
        FROM (SELECT row_number() OVER () AS line, n.* FROM pg_temp.attune_items n) AS s
    ) AS j WHERE j.error_class IS NOT NULL ORDER BY j.line LIMIT 1;
    IF FOUND THEN
        PERFORM attune.refuse(v_bad.error_class, format('%s: row %s', tenant, v_bad.line),
            'an item has an id of 1 to 200 characters and a text of 1 to 20,000', 'correct that row; nothing was imported');
    END IF;
    INSERT INTO attune.catalogue (tenant_id, name) VALUES (v_tenant, catalogue_commit.catalogue) ON CONFLICT DO NOTHING;
    SELECT c.catalogue_id INTO v_catalogue FROM attune.catalogue c
    WHERE c.tenant_id = v_tenant AND c.name = catalogue_commit.catalogue;
    -- Of an id that comes twice the last row counts.
    CREATE TEMPORARY TABLE attune_new_items ON COMMIT DROP AS
    SELECT DISTINCT ON (s.external_id) s.external_id, s.text, i.text AS old_text
    FROM (SELECT row_number() OVER () AS line, n.* FROM pg_temp.attune_items n) AS s
    LEFT JOIN attune.item i ON i.catalogue_id = v_catalogue AND i.external_id = s.external_id
    ORDER BY s.external_id, s.line DESC;
    SELECT count(*), count(*) FILTER (WHERE n.old_text IS NULL), count(*) FILTER (WHERE n.old_text <> n.text)
    INTO items, added, differing FROM pg_temp.attune_new_items n;
    -- In the order of the id: two imports that overlap wait for each other instead of deadlocking.
    INSERT INTO attune.item AS i (tenant_id, catalogue_id, external_id, text)
    SELECT v_tenant, v_catalogue, n.external_id, n.text FROM pg_temp.attune_new_items n
    WHERE n.old_text IS NULL OR (catalogue_commit.replace AND n.old_text <> n.text) ORDER BY n.external_id
    ON CONFLICT (catalogue_id, external_id) DO UPDATE SET text = excluded.text
    WHERE catalogue_commit.replace AND i.text <> excluded.text;
    DROP TABLE pg_temp.attune_new_items, pg_temp.attune_items;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.catalogue_commit(text, text, boolean) IS 'Puts everything in the temporary table of attune.catalogue_begin into a catalogue, which is made if need be. Items that are there with another text (counted in differing) take the new one, or keep theirs with replace => false.';
