-- pgbench: one lease row for a hundred jobs, one outcome row each; the lease's commit
-- not durable, as the queue's own is not.
\set lane random(0, 63)
WITH head AS (
    SELECT l.lease_id FROM bench.lease l WHERE l.lane = :lane::int AND l.state = 0 ORDER BY l.sort_key, l.lease_id
    LIMIT 1 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE bench.lease l SET state = 1, attempt = l.attempt + 1, worker_id = :client_id::int, token = gen_random_uuid(),
        lease_until = clock_timestamp() + interval '30 s'
    FROM head h WHERE l.lease_id = h.lease_id RETURNING l.lease_id, l.token
)
SELECT coalesce(max(lease_id), 0) AS lease, coalesce(max(token::text), gen_random_uuid()::text) AS token, set_config('synchronous_commit', 'off', true) AS off
FROM leased \gset
WITH ended AS (
    UPDATE bench.lease l SET state = 2 WHERE l.lease_id = :lease::bigint AND l.token = :token::uuid AND l.state = 1 RETURNING l.lease_id
)
INSERT INTO bench.outcome (job_id, worker_id, ending)
SELECT e.lease_id * 1024 + n, :client_id::int, 2 FROM ended e, generate_series(0, 99) AS n;
