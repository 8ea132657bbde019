CREATE OR REPLACE FUNCTION attune.catalogue_begin() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CREATE TEMPORARY TABLE attune_items (item text NOT NULL, text text NOT NULL) ON COMMIT DROP;
    EXECUTE format('GRANT INSERT ON pg_temp.attune_items TO %I', attune.caller());
    RETURN 'pg_temp.attune_items';
END
$$;
COMMENT ON FUNCTION attune.catalogue_begin() IS 'Makes a temporary table (item, text) to COPY a catalogue''s items into. Then attune.catalogue_commit, in the same transaction.';
