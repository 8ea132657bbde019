-- How a round of timed jobs stands: jobs ended since a time, seconds from it to the last ending, and workers that live.
-- $1 since timestamp with time zone
SELECT count(*) AS ended, coalesce(extract(epoch FROM max(o.finished_at) - $1), 0)::double precision AS seconds,
    (SELECT count(*) FROM attune.worker w WHERE w.state = 'active' AND w.lease_until > clock_timestamp()
        AND EXISTS (SELECT FROM attune.lane l WHERE l.owner = w.worker_id)) AS workers, clock_timestamp() AS now
FROM attune.outcome o WHERE o.finished_at >= $1
