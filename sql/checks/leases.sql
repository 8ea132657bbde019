-- Chunks that nobody works at any more, and that nobody has taken back.
SELECT '' AS subject, count(*)::double precision AS measured,
    format('%s%s chunks are held by workers whose lease has run out', CASE WHEN count(*) > 10000 THEN 'more than ' END,
        least(count(*), 10000)) AS what,
    'their jobs wait until a scheduler or an idle worker takes them back' AS if_left,
    'attune scheduler, or SELECT * FROM attune.rescue();' AS helps
FROM (
    SELECT FROM attune.worker w JOIN attune.chunk c ON c.worker_id = w.worker_id AND c.state = 1
    WHERE w.lease_until < clock_timestamp() LIMIT 10001
) AS h
HAVING count(*) > 0
