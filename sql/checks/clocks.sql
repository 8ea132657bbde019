-- How far workers' clocks are from the database's.
SELECT w.name AS subject, abs(k.ahead_seconds) AS measured,
    format('the clock of worker %s is %s s %s the database''s', w.name, round(abs(k.ahead_seconds)::numeric, 1),
        CASE WHEN k.ahead_seconds > 0 THEN 'ahead of' ELSE 'behind' END) AS what,
    'nothing is lost, leases go by the database''s clock; but its log and its times mislead' AS if_left,
    'run NTP on its node' AS helps
FROM attune.worker_clock k JOIN attune.worker w ON w.worker_id = k.worker_id
WHERE w.state <> 'stopped' AND w.lease_until > clock_timestamp()
ORDER BY abs(k.ahead_seconds) DESC LIMIT 5
