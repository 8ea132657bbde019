-- Limits that are split among workers, each worker's part and what it holds; one row with no worker where nobody has either.
WITH held AS MATERIALIZED (
    SELECT l.limit_id, c.worker_id, sum(c.live_count) AS jobs
    FROM attune.tenant_limit l JOIN attune.chunk c ON c.tenant_id = l.tenant_id AND coalesce(l.kind_id, c.kind_id) = c.kind_id
    WHERE c.state = 1 AND c.deadline IS NOT NULL AND NOT l.is_paused GROUP BY l.limit_id, c.worker_id
), part AS (
    SELECT limit_id, worker_id FROM held UNION SELECT limit_id, worker_id FROM attune.limit_grant
)
SELECT l.limit_id, l.max_running, l.rate, p.worker_id, g.slots, g.rate AS granted_rate, g.generation,
    coalesce(g.expires < clock_timestamp() + make_interval(secs => s.lease_seconds), false) AS ends_soon,
    coalesce(h.jobs, 0)::int AS held, s.chunk_jobs
FROM attune.tenant_limit l CROSS JOIN attune.setting s
LEFT JOIN part p ON p.limit_id = l.limit_id
LEFT JOIN attune.limit_grant g ON g.limit_id = p.limit_id AND g.worker_id = p.worker_id
LEFT JOIN held h ON h.limit_id = p.limit_id AND h.worker_id = p.worker_id
WHERE NOT l.is_paused
ORDER BY l.limit_id, p.worker_id
