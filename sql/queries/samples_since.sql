-- What was seen of lanes after a time. A second more than asked for: a sample is stamped before it is committed.
-- $1 since timestamp with time zone
SELECT DISTINCT ON (s.lane_id) s.lane_id, s.cost_ms, s.mark_key, s.mark_chunk, s.sampled_at
FROM attune.lane_sample s WHERE s.sampled_at > $1::timestamptz - interval '1 second' ORDER BY s.lane_id, s.sampled_at DESC
