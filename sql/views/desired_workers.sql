-- One row for an autoscaler: SELECT desired FROM attune.desired_workers.
CREATE OR REPLACE VIEW attune.desired_workers WITH (security_invoker = true) AS
SELECT CASE WHEN t.decided_at > clock_timestamp() - interval '1 minute' THEN t.desired
        ELSE greatest(t.desired, least(s.workers_max, (SELECT count(*) FROM attune.worker w
            WHERE w.state = 'active' AND w.lease_until > clock_timestamp())))::int END AS desired,
    t.needed, t.live, t.backlog_ms, t.arrival, t.speed_each, s.drain_target_seconds, s.workers_min, s.workers_max, t.decided_at,
    coalesce(t.decided_at > clock_timestamp() - interval '1 minute', false) AS is_fresh,
    format('%s s of work waits and %s s come in a second; a worker does %s s a second; to be done in %s s: %s, within %s to %s',
        round((t.backlog_ms / 1000)::numeric, 1), round(t.arrival::numeric, 3), round(t.speed_each::numeric, 3),
        s.drain_target_seconds, t.needed, s.workers_min, s.workers_max) AS because
FROM attune.worker_target t, attune.setting s;
COMMENT ON VIEW attune.desired_workers IS 'How many workers work off what waits within setting.drain_target_seconds, as the leading scheduler decided: at once upward, after setting.shrink_after_seconds downward. Without a leader it never says fewer than live now.';
COMMENT ON COLUMN attune.desired_workers.needed IS 'What the load of now needs; desired is above it while it waits to fall.';
COMMENT ON COLUMN attune.desired_workers.because IS 'The arithmetic, in words.';
