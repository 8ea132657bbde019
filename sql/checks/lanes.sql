-- Lanes in which chunks wait that no live worker owns, and for how long that has been so.
SELECT '' AS subject, max(n.seconds)::double precision AS measured,
    format('%s lanes with work have no live owner, the first for %s', count(*), attune.span_text(max(n.seconds)::double precision)) AS what,
    'their jobs wait until a lane is given away or an idle worker helps out' AS if_left,
    'start attune scheduler, or attune worker if none lives' AS helps
FROM (
    SELECT extract(epoch FROM clock_timestamp() - greatest(l.moved_at, w.heartbeat_at)) AS seconds
    FROM attune.lane l LEFT JOIN attune.worker w ON w.worker_id = l.owner
    WHERE (w.worker_id IS NULL OR w.state IN ('stopped', 'draining') OR w.lease_until < clock_timestamp())
        AND EXISTS (SELECT FROM attune.chunk c WHERE c.lane = l.lane_id AND c.state = 0)
) AS n
HAVING count(*) > 0
