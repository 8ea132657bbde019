-- Jobs, newest first: looks at no more than $6 of them, whatever waits, and says how far it came. A row without a job
-- says that none matched. What the job and its outcome tell is compared first: where an open job stands costs a look at
-- its chunk. OFFSET 0 keeps each look a look by job id: joined otherwise, all jobs there are would be read.
-- Those looks follow the order of promising jobs, so the limit ends them; a sort below it would first make them all.
-- $1 tenant text
-- $2 user_id text
-- $3 states text[]
-- $4 error_class text
-- $5 before bigint: a job id
-- $6 budget bigint: jobs looked at
-- $7 at_most bigint: jobs returned
WITH looked AS MATERIALIZED (
    SELECT j.job_id, j.tenant_id FROM attune.job j
    WHERE j.job_id < coalesce($5, 9223372036854775807)
        AND ($2::text IS NULL OR j.uid = ANY (ARRAY(
            SELECT u.uid FROM attune."user" u JOIN attune.tenant t ON t.tenant_id = u.tenant_id
            WHERE u.user_id = $2 AND ($1::text IS NULL OR t.name = $1))))
    ORDER BY j.job_id DESC LIMIT $6
), promising AS MATERIALIZED (
    SELECT l.job_id FROM looked l
    LEFT JOIN LATERAL (
        SELECT e.job_id, e.ending, e.error_class FROM attune.outcome e WHERE e.job_id = l.job_id OFFSET 0) AS o ON true
    WHERE ($1::text IS NULL OR l.tenant_id = (SELECT t.tenant_id FROM attune.tenant t WHERE t.name = $1))
        AND CASE WHEN o.job_id IS NULL
            THEN $3::text[] IS NULL OR $3 && ARRAY['scheduled', 'available', 'running', 'retryable']
            ELSE ($3::text[] IS NULL OR attune.ending_name(o.ending) = ANY ($3))
                AND ($4::text IS NULL OR o.error_class = $4)
        END
    ORDER BY l.job_id DESC
)
SELECT s.looked, s.reached, m.*
FROM (SELECT count(*) AS looked, min(l.job_id) AS reached FROM looked l) AS s
LEFT JOIN LATERAL (
    SELECT v.job_id, v.tenant, v.user_id, v.flow, v.state, v.attempt, v.tries, v.worker, v.enqueued_at, v.run_at, v.claimed_at,
        v.finished_at, v.error_class, v.message, v.revision
    FROM promising p CROSS JOIN LATERAL (SELECT n.* FROM attune.jobs n WHERE n.job_id = p.job_id OFFSET 0) AS v
    WHERE ($3::text[] IS NULL OR v.state = ANY ($3)) AND ($4::text IS NULL OR v.error_class = $4)
    LIMIT $7
) AS m ON true
ORDER BY m.job_id DESC
