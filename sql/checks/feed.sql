-- The oldest transaction that has written something, in any database of the server: outcomes that committed after it began
-- are told only when it has ended, or one that commits late would be missed.
SELECT '' AS subject, w.seconds AS measured,
    format('attune.outcomes_since tells nothing that ended in the last %s: %s', attune.span_text(w.seconds), w.who) AS what,
    'nothing is lost; consumers of the feed get everything when it ends, but nothing before' AS if_left, w.helps
FROM (
    SELECT extract(epoch FROM clock_timestamp() - s.xact_start)::double precision AS seconds,
        format('pid %s (%s) in database %s holds a write transaction', s.pid,
            concat_ws(', ', s.usename, nullif(s.application_name, ''), s.state), s.datname) AS who,
        format('SELECT pg_terminate_backend(%s);', s.pid) AS helps
    FROM pg_stat_activity s WHERE s.backend_xid IS NOT NULL AND s.pid <> pg_backend_pid() AND s.xact_start IS NOT NULL
    UNION ALL
    SELECT extract(epoch FROM clock_timestamp() - p.prepared)::double precision,
        format('transaction %L is prepared in database %s', p.gid, p.database),
        format('ROLLBACK PREPARED %L;  -- or COMMIT PREPARED, in database %s', p.gid, p.database)
    FROM pg_prepared_xacts p
) AS w
ORDER BY w.seconds DESC LIMIT 1
