-- Live workers; if there is none, for how long.
SELECT '' AS subject,
    CASE WHEN n.live > 0 THEN 0 ELSE coalesce(extract(epoch FROM clock_timestamp() - n.newest), 'Infinity') END::double precision AS measured,
    CASE WHEN n.live > 0 THEN format('%s workers live', n.live)
        WHEN n.newest IS NULL THEN 'no worker runs'
        ELSE format('no worker has lived for %s', attune.span_text(extract(epoch FROM clock_timestamp() - n.newest)::double precision)) END AS what,
    'jobs wait until one comes' AS if_left, 'attune worker' AS helps
FROM (
    SELECT count(*) FILTER (WHERE w.lease_until > clock_timestamp()) AS live, max(w.heartbeat_at) AS newest
    FROM attune.worker w WHERE w.state <> 'stopped'
) AS n
