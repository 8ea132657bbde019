-- Jobs, newest first: looks at no more than $6 of them, whatever waits, and says how far it came. A row without a job
-- says that none matched.
-- $1 tenant text
-- $2 user_id text
-- $3 states text[]
-- $4 error_class text
-- $5 before bigint: a job id
-- $6 budget integer: jobs looked at
-- $7 at_most integer: jobs returned
WITH looked AS MATERIALIZED (
    SELECT j.job_id FROM attune.job j
    WHERE j.job_id < coalesce($5, 9223372036854775807)
        AND ($2::text IS NULL OR j.uid = ANY (ARRAY(
            SELECT u.uid FROM attune."user" u JOIN attune.tenant t ON t.tenant_id = u.tenant_id
            WHERE u.user_id = $2 AND ($1::text IS NULL OR t.name = $1))))
    ORDER BY j.job_id DESC LIMIT $6
)
SELECT s.looked, s.reached, m.*
FROM (SELECT count(*) AS looked, min(l.job_id) AS reached FROM looked l) AS s
LEFT JOIN LATERAL (
    SELECT v.job_id, v.tenant, v.user_id, v.flow, v.state, v.attempt, v.tries, v.worker, v.enqueued_at, v.run_at, v.claimed_at,
        v.finished_at, v.error_class, v.message, v.revision
    FROM looked l JOIN attune.jobs v ON v.job_id = l.job_id
    WHERE ($1::text IS NULL OR v.tenant = $1) AND ($3::text[] IS NULL OR v.state = ANY ($3))
        AND ($4::text IS NULL OR v.error_class = $4)
    ORDER BY l.job_id DESC LIMIT $7
) AS m ON true
