-- Workers that may own lanes.
SELECT worker_id, name FROM attune.worker
WHERE state = 'active' AND lease_until > clock_timestamp() ORDER BY worker_id
