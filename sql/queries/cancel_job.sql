-- Cancels a job, or says how it had ended.
-- $1 job bigint
SELECT attune.cancel($1)
