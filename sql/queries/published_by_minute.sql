-- Jobs published (completed or kept) in each of the last $1 minutes, the newest last; minutes without any are 0.
-- $1 minutes integer
SELECT coalesce((
    SELECT sum(m.jobs) FROM attune.outcomes_by_minute m WHERE m.minute = w.minute AND m.ending IN (1, 2)), 0)::bigint AS jobs
FROM (
    SELECT date_bin('1 minute', clock_timestamp(), '2000-01-01 00:00:00+00') - n * interval '1 minute' AS minute
    FROM generate_series(0, least($1, 1440)) AS n) AS w
ORDER BY w.minute
