-- Transactions of this database that keep dead rows from being removed.
SELECT format('pid %s', a.pid) AS subject, a.seconds AS measured,
    format('xmin pinned for %s, %s transactions, by pid %s (%s): %s', attune.span_text(a.seconds), a.transactions, a.pid, a.who, a.query) AS what,
    'what is claimed and done leaves dead rows that nobody may remove: claims, status and vacuum slow down' AS if_left,
    format('SELECT pg_terminate_backend(%s);', a.pid) AS helps
FROM (
    SELECT s.pid, extract(epoch FROM clock_timestamp() - s.xact_start)::double precision AS seconds,
        greatest(age(s.backend_xmin), age(s.backend_xid)) AS transactions,
        concat_ws(', ', s.usename, nullif(s.application_name, ''), s.state) AS who,
        left(regexp_replace(s.query, '\s+', ' ', 'g'), 40) AS query
    FROM pg_stat_activity s
    WHERE s.datname = current_database() AND s.pid <> pg_backend_pid() AND s.backend_type <> 'autovacuum worker'
        AND (s.backend_xmin IS NOT NULL OR s.backend_xid IS NOT NULL) AND s.xact_start IS NOT NULL
    ORDER BY s.xact_start LIMIT 5
) AS a
