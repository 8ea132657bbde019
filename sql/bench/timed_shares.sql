-- Who ended the jobs of a round.
-- $1 since timestamp with time zone
SELECT w.name, count(*) AS jobs, extract(epoch FROM max(o.finished_at) - $1)::double precision AS seconds, max(w.speed) AS speed
FROM attune.outcome o JOIN attune.outcome s ON s.job_id = o.job_id - coalesce(o.follows, 0)
JOIN attune.worker w ON w.worker_id = s.worker_id WHERE o.finished_at >= $1 GROUP BY w.name ORDER BY w.name
