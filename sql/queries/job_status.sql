-- One job as it stands.
-- $1 job bigint
SELECT job_id, tenant, user_id, state, coalesce(attempt, 0), coalesce(tries, 0::smallint), error_class, message, revision, merged_into
FROM attune.jobs WHERE job_id = $1
