-- By how many seconds a worker's clock is ahead of the database's.
-- $1 worker bigint
-- $2 clock timestamp with time zone
SELECT attune.report_clock($1, $2)
