-- A row for a worker process that starts.
-- $1 name text
-- $2 version text
SELECT worker_id, lease_seconds FROM attune.register_worker($1, $2)
