-- Enqueues many jobs in one statement.
-- $1 tenant text
-- $2 users text[]
-- $3 payloads bytea[]
-- $4 dedup_keys text[]: null where none has one
-- $5 traces text[]
-- $6 flow text
-- $7 kind text
-- $8 run_at timestamp with time zone: not before
-- $9 cost_ms real
-- $10 keep_going boolean
SELECT accepted, duplicates, rejected, chunks, first_job, last_job, rejected_lines, rejected_classes
FROM attune.enqueue_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
