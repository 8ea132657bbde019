-- How long a tenant's jobs waited for their claim, in seconds: the 99th percentile, and how many there were.
-- $1 tenant text
SELECT coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM s.claimed_at - j.enqueued_at)), 0)::double precision AS p99,
    count(*) AS jobs
FROM attune.tenant t JOIN attune.job j ON j.tenant_id = t.tenant_id JOIN attune.outcome o ON o.job_id = j.job_id
JOIN attune.outcome s ON s.job_id = o.job_id - coalesce(o.follows, 0)
WHERE t.name = $1::text AND s.claimed_at IS NOT NULL
