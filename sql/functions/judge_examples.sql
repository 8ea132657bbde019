CREATE OR REPLACE FUNCTION attune.judge_examples(tenant_id int, examples jsonb, catalogue text)
RETURNS TABLE (pos bigint, item_id int, text text, label real, error_class text, reason text, remedy text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    WITH example AS (
        SELECT e.pos, jsonb_typeof(e.body) = 'object' AS is_object, e.body ->> 'item' AS item, e.body ->> 'text' AS text,
            jsonb_typeof(e.body -> 'item') IN ('array', 'object') OR jsonb_typeof(e.body -> 'text') <> 'string' AS odd,
            CASE WHEN jsonb_typeof(e.body -> 'label') = 'number' THEN (e.body ->> 'label')::numeric END AS label,
            left(e.body ->> 'label', 40) AS label_shown
        FROM jsonb_array_elements(judge_examples.examples) WITH ORDINALITY AS e (body, pos)
    ), judged AS (
        SELECT x.*, i.item_id,
            CASE
                WHEN NOT x.is_object OR x.odd OR (x.item IS NULL) = (x.text IS NULL) THEN 'bad_example'
                WHEN x.label IS NULL OR abs(x.label) > 3e38 THEN 'bad_label'
                WHEN length(x.text) > 20000 THEN 'text_too_long'
                WHEN x.text !~ '\S' THEN 'empty_text'
                WHEN x.item IS NOT NULL AND i.item_id IS NULL THEN 'unknown_item'
            END AS error_class
        FROM example x
        LEFT JOIN attune.catalogue c ON c.tenant_id = judge_examples.tenant_id AND c.name = judge_examples.catalogue
        LEFT JOIN attune.item i ON i.catalogue_id = c.catalogue_id AND i.external_id = x.item
    )
    SELECT j.pos, j.item_id, j.text, CASE WHEN j.error_class IS NULL THEN j.label::real END, j.error_class,
        CASE j.error_class
            WHEN 'bad_example' THEN 'an example is an object with either an item or a text, and a label'
            WHEN 'bad_label' THEN format('label %s is not a finite number', coalesce(j.label_shown, 'null'))
            WHEN 'text_too_long' THEN format('%s characters of text, the limit is 20000', length(j.text))
            WHEN 'empty_text' THEN 'the text is empty'
            WHEN 'unknown_item' THEN format('item %L is not in catalogue %s', left(j.item, 40), judge_examples.catalogue)
        END,
        CASE j.error_class
            WHEN 'bad_example' THEN 'write {"item": "m17", "label": 1} or {"text": "…", "label": 0}'
            WHEN 'bad_label' THEN 'give 0 or 1, or a rating'
            WHEN 'text_too_long' THEN 'shorten it: the model reads its first 512 tokens'
            WHEN 'empty_text' THEN 'leave the example out'
            WHEN 'unknown_item' THEN 'attune catalogue import, or pass the text itself'
        END
    FROM judged j
$$;
COMMENT ON FUNCTION attune.judge_examples(int, jsonb, text) IS 'Examples as recorded, with items resolved; error_class, reason and remedy where one cannot be accepted.';
