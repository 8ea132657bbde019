CREATE OR REPLACE FUNCTION attune.limit_rows() RETURNS TABLE (
    tenant text, kind text, max_running int, rate real, is_paused boolean, reason text, running bigint, parked bigint,
    parked_is_exact boolean, granted_workers bigint, set_at timestamptz, set_by name
) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off AS $$
    WITH sees AS MATERIALIZED (
        SELECT pg_has_role(attune.caller(), current_user, 'USAGE') OR pg_has_role(attune.caller(), 'attune_operator', 'USAGE')
            OR pg_has_role(attune.caller(), 'attune_worker', 'USAGE') AS everything, attune.tenants_of(attune.caller()) AS tenants
    )
    SELECT t.name, k.name, l.max_running, l.rate, l.is_paused, l.reason, r.jobs, least(p.chunks, 20000), p.chunks <= 20000,
        (SELECT count(*) FROM attune.limit_grant g WHERE g.limit_id = l.limit_id AND g.expires > clock_timestamp()),
        l.set_at, l.set_by
    FROM attune.tenant_limit l JOIN attune.tenant t ON t.tenant_id = l.tenant_id LEFT JOIN attune.kind k ON k.kind_id = l.kind_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(c.live_count), 0)::bigint AS jobs FROM attune.chunk c
        WHERE c.state = 1 AND c.deadline IS NOT NULL AND c.tenant_id = l.tenant_id AND coalesce(l.kind_id, c.kind_id) = c.kind_id
    ) AS r
    CROSS JOIN LATERAL (
        SELECT count(*) AS chunks FROM (SELECT FROM attune.chunk c WHERE c.state = 3 AND c.tenant_id = l.tenant_id
            AND coalesce(l.kind_id, c.kind_id) = c.kind_id LIMIT 20001) AS n
    ) AS p, sees s
    WHERE s.everything OR l.tenant_id = ANY (s.tenants)
$$;
COMMENT ON FUNCTION attune.limit_rows() IS 'The rows of attune.limits that the caller may see.';
