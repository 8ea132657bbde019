-- Replication slots whose standby or consumer is far behind, or gone, and for whom dead rows are kept.
SELECT s.slot_name::text AS subject, s.transactions::double precision AS measured,
    format('replication slot %s pins xmin, %s transactions old%s', s.slot_name, s.transactions,
        CASE WHEN s.active THEN '' ELSE ', and nobody uses it' END) AS what,
    'dead rows are kept for it: claims, status and vacuum slow down' AS if_left,
    format('SELECT pg_drop_replication_slot(%L);  -- if its standby is gone', s.slot_name) AS helps
FROM (
    SELECT r.slot_name, r.active, greatest(age(r.xmin), age(r.catalog_xmin)) AS transactions
    FROM pg_replication_slots r WHERE r.xmin IS NOT NULL OR r.catalog_xmin IS NOT NULL
) AS s
ORDER BY s.transactions DESC LIMIT 5
