-- Tables that have changed by many times their size since the planner last looked at them.
SELECT s.name AS subject, s.times AS measured,
    format('%s changed %s rows since it was last analyzed%s', s.name, s.changed,
        CASE WHEN s.analyzed IS NULL THEN ', which was never' ELSE format(' at %s UTC', to_char(s.analyzed AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) END) AS what,
    'plans are made for a table that is no longer so' AS if_left, format('ANALYZE attune.%I;', s.name) AS helps
FROM (
    SELECT u.relname AS name, u.n_mod_since_analyze AS changed, greatest(u.last_analyze, u.last_autoanalyze) AS analyzed,
        u.n_mod_since_analyze / greatest(c.reltuples, 10000)::double precision AS times
    FROM pg_stat_user_tables u JOIN pg_class c ON c.oid = u.relid WHERE u.schemaname = 'attune'
) AS s
ORDER BY s.times DESC LIMIT 3
