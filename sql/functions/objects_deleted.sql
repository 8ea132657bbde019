CREATE OR REPLACE FUNCTION attune.objects_deleted(p_keys text[]) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_count int;
BEGIN
    UPDATE attune.object o SET state = 2 WHERE o.key = ANY (p_keys) AND o.state = 1;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.objects_deleted(text[]) IS 'Records that condemned objects have gone from the store; the rows stay, so that the keys are never used again.';
