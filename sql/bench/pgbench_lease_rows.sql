-- pgbench: one row a job, :n leased and completed together, one outcome row each; the lease's commit not durable, as
-- the queue's own is not.
\set lane random(0, 63)
WITH head AS (
    SELECT j.job_id FROM bench.job j WHERE j.lane = :lane::int AND j.state = 0 ORDER BY j.sort_key, j.job_id
    LIMIT :n::int FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE bench.job j SET state = 1, attempt = j.attempt + 1, worker_id = :client_id::int, token = gen_random_uuid(),
        lease_until = clock_timestamp() + interval '30 s'
    FROM head h WHERE j.job_id = h.job_id RETURNING j.job_id, j.token
)
SELECT coalesce(array_agg(job_id), '{}') AS jobs, coalesce(array_agg(token), '{}') AS tokens, set_config('synchronous_commit', 'off', true) AS off
FROM leased \gset
WITH ended AS (
    UPDATE bench.job j SET state = 2 FROM unnest(:jobs::bigint[], :tokens::uuid[]) AS i (id, token)
    WHERE j.job_id = i.id AND j.token = i.token AND j.state = 1 RETURNING j.job_id
)
INSERT INTO bench.outcome (job_id, worker_id, ending) SELECT job_id, :client_id::int, 2 FROM ended;
