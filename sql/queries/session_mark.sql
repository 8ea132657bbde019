-- The mark of the session that serves this connection, and its process.
SELECT current_setting('attune.probe', true) AS mark, pg_backend_pid() AS process
