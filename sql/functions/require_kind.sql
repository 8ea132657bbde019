CREATE OR REPLACE FUNCTION attune.require_kind(tenant text, kind text) RETURNS smallint LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_kind smallint;
BEGIN
    SELECT k.kind_id INTO v_kind FROM attune.kind k WHERE k.name = require_kind.kind;
    IF v_kind IS NULL AND kind IS NOT NULL THEN
        PERFORM attune.refuse('unknown_kind', tenant, format('no kind %L', left(kind, 40)), 'SELECT name FROM attune.kind');
    END IF;
    RETURN v_kind;
END
$$;
COMMENT ON FUNCTION attune.require_kind(text, text) IS 'The id of a kind of job; null for null: all kinds.';
