CREATE OR REPLACE FUNCTION attune.end_meta_run(run bigint) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM attune.require_tenant((SELECT t.name FROM attune.meta_run r JOIN attune.tenant t ON t.tenant_id = r.tenant_id
        WHERE r.run_id = end_meta_run.run), 'produce');
    UPDATE attune.meta_run r SET ended_at = clock_timestamp() WHERE r.run_id = end_meta_run.run AND r.ended_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION attune.end_meta_run(bigint) IS 'Ends a meta-training on the cluster: what it left in the store may be collected. False when it had ended.';
