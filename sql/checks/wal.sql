-- Write-ahead log that is kept for replication slots.
SELECT s.slot_name::text AS subject, s.megabytes AS measured,
    format('replication slot %s holds back %s MB of WAL%s', s.slot_name, round(s.megabytes), CASE WHEN s.active THEN '' ELSE ', and nobody uses it' END) AS what,
    'the disk fills up, and a full disk stops the server' AS if_left,
    format('SELECT pg_drop_replication_slot(%L);  -- if its standby is gone; or set max_slot_wal_keep_size', s.slot_name) AS helps
FROM (
    SELECT r.slot_name, r.active,
        (pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, r.restart_lsn)
            / 1048576)::double precision AS megabytes
    FROM pg_replication_slots r WHERE r.restart_lsn IS NOT NULL
) AS s
ORDER BY s.megabytes DESC LIMIT 5
