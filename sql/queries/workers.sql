-- Workers that have not stopped, with what waits in their lanes.
SELECT w.worker_id, w.name, w.version, w.state, w.lanes, w.in_hand, w.in_hand_ms, w.speed, coalesce(l.waiting, 0)::bigint AS waiting,
    coalesce(l.cost_ms, 0)::double precision AS cost_ms, w.started_at,
    extract(epoch FROM clock_timestamp() - w.heartbeat_at)::double precision AS silent_seconds,
    extract(epoch FROM w.first_job_at - w.started_at)::double precision AS first_job_seconds
FROM attune.workers w
LEFT JOIN (SELECT n.worker_id, sum(n.waiting) AS waiting, sum(n.cost_ms) AS cost_ms FROM attune.lanes n GROUP BY n.worker_id) AS l
    ON l.worker_id = w.worker_id
WHERE w.state <> 'stopped' ORDER BY w.worker_id
