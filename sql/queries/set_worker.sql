-- Pauses, resumes or drains a worker.
-- $1 worker text
-- $2 state text
SELECT worker_id, name, state, lanes, waiting, in_hand FROM attune.set_worker($1, $2)
