-- What server this is, and its time.
SELECT current_setting('server_version') AS version, clock_timestamp() AS now, session_user::text AS role
