-- Lanes and what waits in them, those of one worker (null: all).
-- $1 worker text
SELECT l.lane_id, l.worker, l.waiting, l.cost_ms, extract(epoch FROM clock_timestamp() - l.head_at)::double precision AS head_age,
    l.exact, l.is_fresh, extract(epoch FROM clock_timestamp() - l.moved_at)::double precision AS moved_seconds
FROM attune.lanes l WHERE $1::text IS NULL OR l.worker = $1 OR l.worker_id::text = $1 ORDER BY l.lane_id
