-- Sessions that have begun a transaction and do nothing.
SELECT format('pid %s', a.pid) AS subject, a.seconds AS measured,
    format('pid %s (%s) has been idle in a transaction for %s, after: %s', a.pid, a.who, attune.span_text(a.seconds), a.query) AS what,
    'it holds its locks; a partition cannot go, and if it wrote, attune.outcomes_since stands still' AS if_left,
    format('SELECT pg_terminate_backend(%s);  -- and set idle_in_transaction_session_timeout for its role', a.pid) AS helps
FROM (
    SELECT s.pid, extract(epoch FROM clock_timestamp() - s.state_change)::double precision AS seconds,
        concat_ws(', ', s.usename, nullif(s.application_name, '')) AS who, left(regexp_replace(s.query, '\s+', ' ', 'g'), 40) AS query
    FROM pg_stat_activity s
    WHERE s.datname = current_database() AND s.state LIKE 'idle in transaction%' AND s.pid <> pg_backend_pid()
    ORDER BY s.state_change LIMIT 5
) AS a
