-- Whether autovacuum runs, and tables whose dead rows are many times what should have set it off.
SELECT 'server' AS subject, 'Infinity'::double precision AS measured, format('%s is off for the whole server', o.name) AS what,
    'dead rows pile up and claims slow down without end' AS if_left,
    format('ALTER SYSTEM SET %s = on; SELECT pg_reload_conf();', o.name) AS helps
FROM unnest(ARRAY['autovacuum', 'track_counts']) AS o (name) WHERE current_setting(o.name) = 'off'
UNION ALL
SELECT d.relname, 'Infinity', format('autovacuum is switched off for attune.%s', d.relname),
    'dead rows pile up and claims slow down without end', format('ALTER TABLE attune.%I RESET (autovacuum_enabled);', d.relname)
FROM pg_class d WHERE d.relnamespace = 'attune'::regnamespace AND 'autovacuum_enabled=false' = ANY (d.reloptions)
UNION ALL
(SELECT u.relname, u.n_dead_tup / v.due AS times,
    format('%s has %s dead rows, %s times what sets off autovacuum', u.relname, u.n_dead_tup, round((u.n_dead_tup / v.due)::numeric, 1)),
    'claims and status read past them', format('end what pins xmin, then VACUUM attune.%I;', u.relname)
FROM pg_stat_user_tables u JOIN pg_class c ON c.oid = u.relid
CROSS JOIN LATERAL (
    SELECT greatest(1000, coalesce(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold'),
            current_setting('autovacuum_vacuum_threshold'))::double precision
        + greatest(c.reltuples, 0) * coalesce(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor'),
            current_setting('autovacuum_vacuum_scale_factor'))::double precision) AS due
    FROM pg_options_to_table(c.reloptions)
) AS v
WHERE u.schemaname = 'attune' ORDER BY times DESC LIMIT 3)
