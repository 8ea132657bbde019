-- Tries of a job that did not end it, and what kept its chunk from being claimed.
-- $1 job bigint
SELECT a.at, a.attempt, w.name AS worker, a.claimed_at, a.error_class, a.message, a.runs_again_at
FROM attune.attempt_log a LEFT JOIN attune.worker w ON w.worker_id = a.worker_id
WHERE a.job_id = $1
UNION ALL
SELECT a.at, a.attempt, NULL, NULL, a.error_class, a.message, a.runs_again_at
FROM attune.attempt_log a
WHERE a.error_class IN ('no_active_base', 'no_active_recipe') AND a.job_id IS NULL AND a.chunk_id = $1 >> 10
    AND a.at >= (SELECT j.enqueued_at FROM attune.job j WHERE j.job_id = $1)
ORDER BY at
