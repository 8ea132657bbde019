CREATE OR REPLACE VIEW attune.health WITH (security_invoker = true) AS
SELECT f.name, f.status, f.measured, c.unit, f.what, f.helps, f.subject, f.since, f.seen_at, c.warn_at, c.bad_at, f.if_left
FROM attune.finding f JOIN attune.health_check c ON c.name = f.name
WHERE f.ended_at IS NULL
UNION ALL
SELECT 'scheduler', CASE WHEN l.seconds <= 30 THEN 'ok' ELSE 'warn' END, l.seconds, 's',
    CASE WHEN l.seconds <= 30 THEN format('%s leads', l.name)
        WHEN l.seen_at IS NULL THEN 'no scheduler has led yet: nothing was checked, and workers go on without one'
        ELSE format('no scheduler has led for %s: the other rows are as old as that, and workers go on without one', attune.span_text(l.seconds)) END,
    CASE WHEN l.seconds <= 30 THEN '' ELSE 'attune scheduler; meanwhile attune doctor makes the checks itself' END,
    '', l.since, l.seen_at, 30, 'Infinity', CASE WHEN l.seconds > 30 THEN 'lanes do not follow the load, campaigns are not fed, history is not dropped' END
FROM (
    SELECT d.name, d.since, d.seen_at,
        coalesce(extract(epoch FROM clock_timestamp() - d.seen_at), 'Infinity')::double precision AS seconds
    FROM attune.leader d
) AS l;
COMMENT ON VIEW attune.health IS 'What the leader''s checks found last: ok, warn or bad, since when, what it will do if left, and what helps. Checked every 30 s; the row scheduler says whether that still goes on.';
