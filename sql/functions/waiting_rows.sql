-- Reads about 20,000 chunks in all, whatever waits: the head of each lane from its low-water mark, so that a small backlog
-- is counted to the end, as it stands. Where a lane goes on past that, its newest sample says what waits there, or, when
-- nobody took one lately, its tags do: a flow's tags grow evenly up to the last one it drew.
--
-- New chunks may come a little before the mark: by a priority's bonus, or from a transaction that was open for long.
CREATE OR REPLACE FUNCTION attune.waiting_rows() RETURNS TABLE (
    tenant text, flow text, waiting bigint, running bigint, deferred bigint, parked bigint, oldest timestamptz, exact boolean, as_of timestamptz,
    growth_per_second double precision
) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan SET enable_seqscan = off
SET enable_bitmapscan = off SET enable_hashjoin = off AS $$
#variable_conflict use_column
DECLARE
    v_everything boolean := pg_has_role(attune.caller(), current_user, 'USAGE')
        OR pg_has_role(attune.caller(), 'attune_operator', 'USAGE') OR pg_has_role(attune.caller(), 'attune_worker', 'USAGE');
    v_tenants int[] := attune.tenants_of(attune.caller());
    v_cap int;
BEGIN
    SELECT greatest(20, least(2000, 20000 / greatest(1, count(*)))) INTO v_cap FROM attune.lane;
    RETURN QUERY
    WITH lane AS MATERIALIZED (
        SELECT l.lane_id, coalesce(s.mark_key, -4611686018427387904) AS mark_key,
            s.sampled_at > clock_timestamp() - interval '1 minute' AND s.waiting > 0 AS is_fresh, s.sampled_at,
            s.flows, s.flow_waiting, s.flow_head_at, b.flows AS flows_before, b.flow_waiting AS flow_before,
            CASE WHEN b.sampled_at IS NOT NULL
                THEN least(60, extract(epoch FROM s.sampled_at - b.sampled_at)::double precision) END AS seconds
        FROM attune.lane l LEFT JOIN LATERAL (
            SELECT n.* FROM attune.lane_sample n WHERE n.lane_id = l.lane_id ORDER BY n.sampled_at DESC LIMIT 1) AS s ON true
        LEFT JOIN LATERAL (
            SELECT n.* FROM attune.lane_sample n
            WHERE n.lane_id = l.lane_id AND n.sampled_at < s.sampled_at AND n.sampled_at < clock_timestamp() - interval '1 minute'
            ORDER BY n.sampled_at DESC LIMIT 1) AS b ON s.sampled_at > clock_timestamp() - interval '1 minute'
    ), look AS MATERIALIZED (
        SELECT l.lane_id, n.* FROM lane l CROSS JOIN LATERAL (
            SELECT c.tenant_id, c.flow_id, c.job_count - c.ended_count AS jobs, c.chunk_id, c.sort_key
            FROM attune.chunk c
            WHERE c.lane = l.lane_id AND c.state = 0 AND c.sort_key >= greatest(l.mark_key, -4611686018427387904) - (SELECT s.priority_cap FROM attune.setting s)
            ORDER BY c.sort_key, c.chunk_id LIMIT v_cap) AS n
    ), depth AS MATERIALIZED (
        SELECT k.lane_id, count(*) >= v_cap AS is_cut, max(k.sort_key) AS last FROM look k GROUP BY k.lane_id
    ), seen AS (
        SELECT k.lane_id, k.tenant_id, k.flow_id, sum(k.jobs) AS jobs, min(k.sort_key) AS first, min(k.chunk_id) AS oldest
        FROM look k GROUP BY k.lane_id, k.tenant_id, k.flow_id
    ), ready AS (
        SELECT s.tenant_id, s.flow_id, NULL::timestamptz AS head_at, s.oldest, NOT d.is_cut AS exact, clock_timestamp() AS as_of,
            CASE WHEN NOT d.is_cut OR d.last <= s.first THEN s.jobs
            ELSE s.jobs * greatest(1, (g.base_tag + attune.flow_drawn(s.flow_id) * 1000.0 / g.weight - s.first) / (d.last - s.first))
            END AS jobs
        FROM seen s JOIN depth d ON d.lane_id = s.lane_id JOIN lane l ON l.lane_id = s.lane_id JOIN attune.flow g ON g.flow_id = s.flow_id
        WHERE NOT (d.is_cut AND coalesce(l.is_fresh, false))
        UNION ALL
        SELECT g.tenant_id, f.flow_id, f.head_at, NULL, false, l.sampled_at, f.waiting
        FROM lane l JOIN depth d ON d.lane_id = l.lane_id
        CROSS JOIN LATERAL unnest(l.flows, l.flow_waiting, l.flow_head_at) AS f (flow_id, waiting, head_at)
        JOIN attune.flow g ON g.flow_id = f.flow_id
        WHERE d.is_cut AND l.is_fresh
    ), growth AS (
        -- How much more waits than a minute ago, where samples tell.
        SELECT d.flow_id, sum(d.jobs / d.seconds) AS per_second
        FROM (
            SELECT f.flow_id, f.waiting AS jobs, l.seconds FROM lane l CROSS JOIN LATERAL unnest(l.flows, l.flow_waiting) AS f (flow_id, waiting)
            UNION ALL
            SELECT f.flow_id, -f.waiting, l.seconds FROM lane l CROSS JOIN LATERAL unnest(l.flows_before, l.flow_before) AS f (flow_id, waiting)
        ) AS d WHERE d.seconds > 0 GROUP BY d.flow_id
    ), leased AS (
        SELECT n.tenant_id, n.flow_id, sum(n.live_count) AS jobs FROM (
            SELECT c.tenant_id, c.flow_id, c.live_count FROM attune.chunk c WHERE c.state = 1 LIMIT 20000) AS n
        GROUP BY n.tenant_id, n.flow_id
    ), put_off AS MATERIALIZED (
        (SELECT c.state, c.tenant_id, c.flow_id, c.job_count - c.ended_count AS jobs FROM attune.chunk c WHERE c.state = 2 LIMIT 20000)
        UNION ALL
        (SELECT c.state, c.tenant_id, c.flow_id, c.job_count - c.ended_count FROM attune.chunk c WHERE c.state = 3 LIMIT 20000)
    ), later AS (
        -- As many as the index had entries when it was last vacuumed or analysed, where they were not counted to the end.
        SELECT n.tenant_id, n.flow_id, n.state, s.is_cut,
            sum(n.jobs) * CASE WHEN s.is_cut THEN greatest(1, s.entries / 20000) ELSE 1 END AS jobs
        FROM put_off n JOIN (
            SELECT p.state, count(*) >= 20000 AS is_cut, (SELECT i.reltuples FROM pg_class i
                WHERE i.oid = CASE p.state WHEN 2 THEN 'attune.chunk_deferred' ELSE 'attune.chunk_parked' END::regclass) AS entries
            FROM put_off p GROUP BY p.state) AS s ON s.state = n.state
        GROUP BY n.tenant_id, n.flow_id, n.state, s.is_cut, s.entries
    ), flow AS (
        SELECT a.tenant_id, a.flow_id, sum(a.waiting) AS waiting, sum(a.running) AS running, sum(a.deferred) AS deferred,
            sum(a.parked) AS parked, min(a.head_at) AS head_at, min(a.oldest) AS oldest, bool_and(a.exact) AS exact, min(a.as_of) AS as_of
        FROM (
            SELECT r.tenant_id, r.flow_id, r.jobs AS waiting, 0 AS running, 0 AS deferred, 0 AS parked, r.head_at, r.oldest, r.exact, r.as_of FROM ready r
            UNION ALL
            SELECT e.tenant_id, e.flow_id, 0, e.jobs, 0, 0, NULL, NULL, true, clock_timestamp() FROM leased e
            UNION ALL
            SELECT p.tenant_id, p.flow_id, 0, 0, CASE p.state WHEN 2 THEN p.jobs ELSE 0 END, CASE p.state WHEN 3 THEN p.jobs ELSE 0 END,
                NULL, NULL, NOT p.is_cut, clock_timestamp() FROM later p
        ) AS a
        GROUP BY a.tenant_id, a.flow_id
    )
    SELECT t.name, f.name, round(n.waiting)::bigint, n.running::bigint, round(n.deferred)::bigint, round(n.parked)::bigint,
        least(n.head_at, (
            SELECT min(j.enqueued_at) FROM attune.chunk c CROSS JOIN LATERAL (
                SELECT h.enqueued_at FROM attune.job h
                WHERE h.job_id >= coalesce(c.members[1], c.chunk_id * 1024) AND h.job_id < coalesce(c.members[1] + 1, c.chunk_id * 1024 + 1024)
                ORDER BY h.job_id LIMIT 1) AS j
            WHERE c.chunk_id = n.oldest)),
        n.exact, n.as_of, w.per_second
    FROM flow n LEFT JOIN growth w ON w.flow_id = n.flow_id JOIN attune.tenant t ON t.tenant_id = n.tenant_id JOIN attune.flow f ON f.flow_id = n.flow_id
    WHERE v_everything OR n.tenant_id = ANY (v_tenants);
END
$$;
COMMENT ON FUNCTION attune.waiting_rows() IS 'The rows of attune.backlog that the caller may see.';
