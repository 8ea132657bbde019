-- Leaves a mark in the session that serves this connection.
-- $1 mark text
SELECT set_config('attune.probe', $1, false), pg_backend_pid()
