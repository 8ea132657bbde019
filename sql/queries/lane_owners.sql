-- Every lane with its owner, and for how long it has not moved.
SELECT l.lane_id, l.owner, l.generation, extract(epoch FROM clock_timestamp() - l.moved_at)::double precision AS rested_seconds
FROM attune.lane l ORDER BY l.lane_id
