-- Workers that may own lanes: they answer, are to work, and get on with what they hold.
SELECT w.worker_id, w.speed, w.in_hand_ms, w.work_ms FROM attune.worker w, attune.setting s
WHERE w.state = 'active' AND w.lease_until > clock_timestamp()
    AND (w.in_hand = 0 OR w.progress_at > clock_timestamp() - make_interval(secs => s.stall_seconds)) ORDER BY w.worker_id
