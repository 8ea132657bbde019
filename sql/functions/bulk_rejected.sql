CREATE OR REPLACE FUNCTION attune.bulk_rejected() RETURNS TABLE (line bigint, error_class text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF to_regclass('pg_temp.attune_rejected') IS NOT NULL THEN
        PERFORM attune.require_staging('attune_rejected', 'attune.bulk_commit(…)');
        RETURN QUERY SELECT r.line, r.error_class FROM pg_temp.attune_rejected r ORDER BY r.line;
    END IF;
END
$$;
COMMENT ON FUNCTION attune.bulk_rejected() IS 'Rows that attune.bulk_commit left out in this transaction, and why.';
