-- What a service does inside its own transaction: a user's examples and a job that adapts to them.
-- $1 tenant text
-- $2 user_id text
-- $3 examples jsonb
-- $4 dedup_key text
SELECT attune.enqueue($1, $2, dedup_key => $4) FROM (SELECT attune.record($1, $2, $3)) AS recorded (seq) WHERE seq > 0
