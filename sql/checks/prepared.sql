-- Prepared transactions that nobody has ended: they survive restarts, and pin xmin and their locks.
SELECT p.gid AS subject, p.seconds AS measured,
    format('transaction %L was prepared by %s %s ago and never ended', p.gid, p.owner, attune.span_text(p.seconds)) AS what,
    'it pins xmin and holds its locks, even over a restart of the server' AS if_left,
    format('ROLLBACK PREPARED %L;  -- or COMMIT PREPARED, in database %s', p.gid, p.database) AS helps
FROM (
    SELECT x.gid, x.owner, x.database, extract(epoch FROM clock_timestamp() - x.prepared)::double precision AS seconds
    FROM pg_prepared_xacts x WHERE x.database = current_database() ORDER BY x.prepared LIMIT 5
) AS p
