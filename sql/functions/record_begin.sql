CREATE OR REPLACE FUNCTION attune.record_begin() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CREATE TEMPORARY TABLE attune_recording (
        user_id text NOT NULL, items text[], labels real[] NOT NULL, texts text[]
    ) ON COMMIT DROP;
    EXECUTE format('GRANT INSERT ON pg_temp.attune_recording TO %I', attune.caller());
    RETURN 'pg_temp.attune_recording';
END
$$;
COMMENT ON FUNCTION attune.record_begin() IS 'Makes a temporary table (user_id, items text[], labels real[], texts text[]) to COPY recordings into; a row is one user''s examples in order of time. Then attune.record_commit, in the same transaction.';
