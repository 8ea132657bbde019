-- Connections in use, of those that the server allows.
SELECT '' AS subject, n.used / n.allowed AS measured, format('%s of %s connections are in use', n.used, n.allowed) AS what,
    'when none is left, workers, schedulers and services cannot connect' AS if_left,
    'a pooler in transaction mode in front of workers and services, or a larger max_connections' AS helps
FROM (
    SELECT count(*)::double precision AS used, current_setting('max_connections')::double precision AS allowed
    FROM pg_stat_activity WHERE backend_type = 'client backend'
) AS n
