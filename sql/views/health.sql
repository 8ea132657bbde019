CREATE OR REPLACE VIEW attune.health WITH (security_invoker = true) AS
SELECT h.name, CASE WHEN h.measured > h.bad_above THEN 'bad' WHEN h.measured > h.warn_above THEN 'warn' ELSE 'ok' END AS status,
    h.measured, h.unit, h.what, h.helps
FROM (
    SELECT 'workers' AS name, (1 - least(1, count(*)))::double precision AS measured, 0.5 AS warn_above, 0.5 AS bad_above, '' AS unit,
        format('%s workers live', count(*)) AS what, 'attune worker' AS helps
    FROM attune.worker w WHERE w.state <> 'stopped' AND w.lease_until > clock_timestamp()
    UNION ALL
    SELECT 'scheduler', extract(epoch FROM clock_timestamp() - coalesce(l.seen_at, 'epoch'))::double precision, 30, 'Infinity', 's',
        CASE WHEN l.seen_at IS NULL THEN 'no scheduler has led yet' ELSE 'since a scheduler led' END || '; workers go on without one',
        'attune scheduler'
    FROM attune.leader l
    UNION ALL
    SELECT 'expired_leases', count(*), 0, 100, 'chunks', 'leased by workers whose lease has run out', 'attune scheduler, or SELECT * FROM attune.rescue()'
    FROM attune.worker w JOIN attune.chunk c ON c.worker_id = w.worker_id AND c.state = 1 WHERE w.lease_until < clock_timestamp()
    UNION ALL
    SELECT 'no_base_or_recipe', count(*), 0, 'Infinity', 'chunks', 'wait for an active base or recipe', 'attune recipe activate'
    FROM (SELECT FROM attune.chunk c WHERE c.state = 2 AND c.waits > 0 LIMIT 20001) AS d
    UNION ALL
    SELECT 'discarded', count(*), 0, 1000, 'jobs', 'discarded in the last hour', 'attune jobs --state discarded'
    FROM attune.outcome o WHERE o.finished_at > clock_timestamp() - interval '1 hour' AND o.ending = 6
    UNION ALL
    SELECT 'xmin_pinned', coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::double precision, 600, 3600, 's',
        'age of the oldest open transaction', 'SELECT pg_terminate_backend(pid), query FROM pg_stat_activity ORDER BY xact_start LIMIT 1'
    FROM pg_stat_activity a WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid()
) AS h;
COMMENT ON VIEW attune.health IS 'Findings with their measure: ok, warn or bad, and what helps.';
