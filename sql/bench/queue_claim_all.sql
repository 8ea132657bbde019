-- Claims everything that waits, for publishes that are timed; returns how many deliveries.
-- $1 worker bigint
-- $2 jobs_each integer
SELECT bench.claim_all($1, $2)
