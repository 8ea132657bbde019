-- Lanes without an owner that lives.
SELECT count(*) FROM attune.lane l LEFT JOIN attune.worker w ON w.worker_id = l.owner AND w.state = 'active' AND w.lease_until > clock_timestamp()
WHERE w.worker_id IS NULL
