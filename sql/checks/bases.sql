-- Chunks that a worker had to pass on within ten minutes, because it lacks their base; the newest 10,000 of them.
SELECT t.name AS subject, p.chunks::double precision AS measured,
    format('%s: %s times within ten minutes a worker passed on a chunk whose base it lacks: %s', t.name, p.chunks, p.said) AS what,
    'if no worker holds the base, they go round, put off longer each time' AS if_left,
    'attune worker --base FOLDER, once for each base' AS helps
FROM (
    SELECT l.tenant_id, count(DISTINCT l.chunk_id) AS chunks, max(l.message) AS said
    FROM (
        SELECT a.tenant_id, a.chunk_id, a.message FROM attune.attempt_log a
        WHERE a.error_class = 'base_not_held' AND a.at > clock_timestamp() - interval '10 minutes' ORDER BY a.at DESC LIMIT 10000
    ) AS l GROUP BY l.tenant_id
) AS p
JOIN attune.tenant t ON t.tenant_id = p.tenant_id
ORDER BY p.chunks DESC LIMIT 5
