CREATE OR REPLACE VIEW attune.workers WITH (security_invoker = true) AS
SELECT w.worker_id, w.name, w.version,
    CASE
        WHEN w.state = 'stopped' THEN 'stopped'
        WHEN w.lease_until < clock_timestamp() THEN 'lost'
        WHEN w.in_hand > 0 AND w.progress_at < clock_timestamp() - make_interval(secs => s.stall_seconds) THEN 'wedged'
        ELSE w.state
    END AS state,
    (SELECT count(*) FROM attune.lane l WHERE l.owner = w.worker_id) AS lanes, w.in_hand, w.progress, w.started_at,
    w.heartbeat_at, w.lease_until, w.speed, w.work_ms, w.busy_ms, w.in_hand_ms, w.first_job_at
FROM attune.worker w, attune.setting s;
COMMENT ON VIEW attune.workers IS 'Workers: active, paused, draining, stopped, lost (its lease ran out) or wedged (alive, work in hand, no progress for setting.stall_seconds).';
