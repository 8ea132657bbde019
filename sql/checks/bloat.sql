-- Tables that are updated all the time, and their indexes: their size over what their rows need, for those above 8 MB.
SELECT b.name AS subject, b.times AS measured,
    format('%s has %s MB, about %s times what its rows need', b.name, b.bytes / 1048576, round(b.times::numeric, 1)) AS what,
    'each look reads more pages, and the cache holds less that matters' AS if_left,
    CASE b.kind WHEN 'i' THEN format('REINDEX INDEX CONCURRENTLY attune.%I;', b.name)
        ELSE format('end what pins xmin, then in a quiet hour: VACUUM FULL attune.%I;', b.name) END AS helps
FROM (
    SELECT r.relname AS name, r.relkind AS kind, pg_relation_size(r.oid) AS bytes,
        pg_relation_size(r.oid) / greatest(8388608, 1.5 * greatest(coalesce(nullif(r.reltuples, -1), t.reltuples), 0)
            * CASE r.relkind WHEN 'i' THEN 40 ELSE 28 + coalesce((
                SELECT sum(s.avg_width) FROM pg_stats s WHERE s.schemaname = 'attune' AND s.tablename = t.relname), 200) END
        )::double precision AS times
    FROM pg_class t
    JOIN pg_class r ON r.oid = t.oid OR r.oid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = t.oid)
    WHERE t.oid = ANY (ARRAY['attune.chunk', 'attune.worker', 'attune.lane', 'attune.leader', 'attune.fair_clock', 'attune.flow',
        'attune.pointer', 'attune."user"', 'attune.dedup']::regclass[])
) AS b
ORDER BY b.times DESC LIMIT 5
