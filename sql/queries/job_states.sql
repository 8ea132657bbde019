-- How jobs stand.
-- $1 jobs bigint[]
SELECT v.job_id, v.state
FROM unnest($1::bigint[]) AS i (job_id)
CROSS JOIN LATERAL (SELECT n.job_id, n.state FROM attune.jobs n WHERE n.job_id = i.job_id OFFSET 0) AS v
