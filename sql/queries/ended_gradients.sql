-- Which of these jobs have ended, and what became of them.
-- $1 jobs bigint[]
SELECT o.job_id, attune.ending_name(o.ending), coalesce(o.error_class, ''), coalesce(o.message, ''), coalesce(w.name, '')
FROM unnest($1::bigint[]) AS i (job_id)
CROSS JOIN LATERAL (SELECT n.* FROM attune.outcome n WHERE n.job_id = i.job_id OFFSET 0) AS o
LEFT JOIN attune.worker w ON w.worker_id = o.worker_id
