-- When a job that has ended was claimed.
-- $1 job bigint
SELECT o.claimed_at FROM attune.outcome o WHERE o.job_id = $1 AND o.claimed_at IS NOT NULL
