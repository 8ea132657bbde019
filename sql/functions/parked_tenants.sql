-- From one (tenant, kind) to the next along the index: as many steps as there are, whatever is parked of each.
CREATE OR REPLACE FUNCTION attune.parked_tenants() RETURNS TABLE (tenant_id int, kind_id smallint, head_key bigint) LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE found AS (
        (SELECT c.tenant_id, c.kind_id, c.sort_key FROM attune.chunk c WHERE c.state = 3
         ORDER BY c.tenant_id, c.kind_id, c.sort_key, c.chunk_id LIMIT 1)
        UNION ALL
        SELECT n.* FROM found f CROSS JOIN LATERAL (
            SELECT c.tenant_id, c.kind_id, c.sort_key FROM attune.chunk c
            WHERE c.state = 3 AND (c.tenant_id, c.kind_id) > (f.tenant_id, f.kind_id)
            ORDER BY c.tenant_id, c.kind_id, c.sort_key, c.chunk_id LIMIT 1) AS n
    )
    SELECT f.tenant_id, f.kind_id, f.sort_key FROM found f
$$;
COMMENT ON FUNCTION attune.parked_tenants() IS 'Tenants and kinds of which anything is parked, with the smallest key of each.';
