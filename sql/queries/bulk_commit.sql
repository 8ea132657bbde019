-- Enqueues what was copied.
-- $1 tenant text
-- $2 flow text
-- $3 kind text
-- $4 run_at timestamp with time zone
-- $5 cost_ms real
-- $6 keep_going boolean
SELECT accepted, duplicates, rejected, chunks, first_job, last_job FROM attune.bulk_commit($1, $2, $3, $4, $5, $6)
