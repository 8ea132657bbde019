-- Jobs that match, newest first, and how far the search went. A row without a job says that none matched.
-- $1 tenant text
-- $2 states text[]
-- $3 kind text
-- $4 user_id text
-- $5 error_class text
-- $6 worker text
-- $7 campaign integer
-- $8 since timestamp with time zone
-- $9 before bigint: a job id
-- $10 budget integer: rows looked at
-- $11 at_most integer: jobs returned
SELECT looked, reached, reached_at, is_cut, job_id, job_tenant AS tenant, job_user AS user_id, job_kind AS kind, flow, state, attempt, tries,
    job_worker AS worker, enqueued_at, run_at, claimed_at, finished_at, job_error_class AS error_class, message, revision
FROM attune.jobs_walk($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
