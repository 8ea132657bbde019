-- Every lane with its owner, and whether chunks wait in it.
SELECT l.lane_id, l.owner, l.generation,
    EXISTS (SELECT FROM attune.chunk c WHERE c.lane = l.lane_id AND c.state = 0) AS has_work
FROM attune.lane l ORDER BY l.lane_id
