-- Runs a job again now; the id of the job that will run.
-- $1 job bigint
SELECT attune.retry($1)
