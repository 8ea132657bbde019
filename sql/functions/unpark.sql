CREATE OR REPLACE FUNCTION attune.unpark(p_limit int DEFAULT 1000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_free bigint[];
BEGIN
    SELECT array_agg(h.chunk_id) INTO v_free
    FROM (
        SELECT n.chunk_id FROM attune.parked_tenants() AS p CROSS JOIN LATERAL (
            SELECT c.chunk_id FROM attune.chunk c
            WHERE c.state = 3 AND c.tenant_id = p.tenant_id AND c.kind_id = p.kind_id
            ORDER BY c.sort_key, c.chunk_id LIMIT p_limit FOR UPDATE SKIP LOCKED) AS n
        WHERE NOT EXISTS (SELECT FROM attune.tenant_limit l
            WHERE l.tenant_id = p.tenant_id AND coalesce(l.kind_id, p.kind_id) = p.kind_id)
        LIMIT p_limit
    ) AS h;
    IF v_free IS NOT NULL THEN
        PERFORM attune.ready_again(v_free);
    END IF;
    RETURN coalesce(cardinality(v_free), 0);
END
$$;
COMMENT ON FUNCTION attune.unpark(int) IS 'Makes parked chunks ready whose tenant has no limit any more, as new chunks with current keys, at most that many; returns how many.';
