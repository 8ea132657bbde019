-- The ten of a tenant's jobs that waited longest for their claim: seconds after the first of them at which they came, and their waits.
-- $1 tenant text
SELECT extract(epoch FROM w.enqueued_at - min(w.enqueued_at) OVER ())::double precision AS at, w.seconds
FROM (
    SELECT j.enqueued_at, extract(epoch FROM s.claimed_at - j.enqueued_at)::double precision AS seconds
    FROM attune.tenant t JOIN attune.job j ON j.tenant_id = t.tenant_id JOIN attune.outcome o ON o.job_id = j.job_id
    JOIN attune.outcome s ON s.job_id = o.job_id - coalesce(o.follows, 0)
    WHERE t.name = $1::text AND s.claimed_at IS NOT NULL
) AS w ORDER BY w.seconds DESC LIMIT 10
