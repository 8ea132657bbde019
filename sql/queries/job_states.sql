-- How jobs stand.
-- $1 jobs bigint[]
SELECT job_id, state FROM attune.jobs WHERE job_id = ANY ($1)
