-- What was last seen of each lane.
SELECT l.lane_id, s.cost_ms, s.mark_key, s.mark_chunk, s.sampled_at FROM attune.lane l
CROSS JOIN LATERAL (
    SELECT n.cost_ms, n.mark_key, n.mark_chunk, n.sampled_at FROM attune.lane_sample n
    WHERE n.lane_id = l.lane_id ORDER BY n.sampled_at DESC LIMIT 1) AS s
