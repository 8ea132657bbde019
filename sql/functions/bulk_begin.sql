CREATE OR REPLACE FUNCTION attune.bulk_begin() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CREATE TEMPORARY TABLE attune_bulk (
        user_id text NOT NULL, payload bytea, dedup_key text, trace text
    ) ON COMMIT DROP;
    EXECUTE format('GRANT INSERT ON pg_temp.attune_bulk TO %I', attune.caller());
    RETURN 'pg_temp.attune_bulk';
END
$$;
COMMENT ON FUNCTION attune.bulk_begin() IS 'Makes a temporary table (user_id, payload, dedup_key, trace) to COPY jobs into. Then attune.bulk_commit, in the same transaction.';
