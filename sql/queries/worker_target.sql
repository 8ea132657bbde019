-- What was wanted when it was last decided, and the settings that it is decided by.
SELECT t.desired, t.needed, t.arrival, extract(epoch FROM clock_timestamp() - t.lower_since)::double precision AS lower_seconds,
    s.drain_target_seconds, s.workers_min, s.workers_max, s.shrink_after_seconds
FROM attune.worker_target t, attune.setting s
