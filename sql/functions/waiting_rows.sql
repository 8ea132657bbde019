-- Counts stop at 20,001 chunks a lane, so that this costs the same whatever waits; exact says whether they were reached.
CREATE OR REPLACE FUNCTION attune.waiting_rows() RETURNS TABLE (
    tenant text, flow text, waiting bigint, running bigint, deferred bigint, oldest timestamptz, exact boolean
) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
    WITH sees AS MATERIALIZED (
        SELECT pg_has_role(attune.caller(), current_user, 'USAGE') OR pg_has_role(attune.caller(), 'attune_operator', 'USAGE')
            OR pg_has_role(attune.caller(), 'attune_worker', 'USAGE') AS everything, attune.tenants_of(attune.caller()) AS tenants
    ), ready AS (
        SELECT l.lane_id, n.* FROM attune.lane l CROSS JOIN LATERAL (
            SELECT c.tenant_id, c.flow_id, c.job_count - c.ended_count AS jobs, c.chunk_id, 0 AS state
            FROM attune.chunk c WHERE c.lane = l.lane_id AND c.state = 0 ORDER BY c.sort_key, c.chunk_id LIMIT 20001) AS n
    ), other AS (
        (SELECT c.tenant_id, c.flow_id, c.live_count AS jobs, c.chunk_id, 1 AS state FROM attune.chunk c WHERE c.state = 1 LIMIT 20001)
        UNION ALL
        (SELECT c.tenant_id, c.flow_id, c.job_count - c.ended_count, c.chunk_id, 2 FROM attune.chunk c WHERE c.state = 2 LIMIT 20001)
    ), counted AS (
        SELECT a.tenant_id, a.flow_id, sum(a.jobs) FILTER (WHERE a.state = 0) AS waiting,
            sum(a.jobs) FILTER (WHERE a.state = 1) AS running, sum(a.jobs) FILTER (WHERE a.state = 2) AS deferred,
            min(a.chunk_id) FILTER (WHERE a.state = 0) AS oldest
        FROM (SELECT tenant_id, flow_id, jobs, chunk_id, state FROM ready UNION ALL SELECT * FROM other) AS a
        GROUP BY a.tenant_id, a.flow_id
    )
    SELECT t.name, f.name, coalesce(n.waiting, 0)::bigint, coalesce(n.running, 0)::bigint, coalesce(n.deferred, 0)::bigint,
        (SELECT min(j.enqueued_at) FROM attune.job j JOIN attune.chunk c ON c.chunk_id = n.oldest
         WHERE j.job_id = coalesce(c.members[1], (SELECT min(h.job_id) FROM attune.job h
            WHERE h.job_id >= c.chunk_id * 1024 AND h.job_id < c.chunk_id * 1024 + 1024))),
        (SELECT coalesce(max(r.chunks), 0) <= 20000 FROM (SELECT count(*) AS chunks FROM ready GROUP BY lane_id) AS r)
    FROM counted n JOIN attune.tenant t ON t.tenant_id = n.tenant_id JOIN attune.flow f ON f.flow_id = n.flow_id, sees s
    WHERE s.everything OR n.tenant_id = ANY (s.tenants)
$$;
COMMENT ON FUNCTION attune.waiting_rows() IS 'The rows of attune.backlog that the caller may see.';
