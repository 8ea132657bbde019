-- The session lock that elects the leader; only on a direct connection.
SELECT pg_try_advisory_lock(hashtextextended('attune.leader', 0))
