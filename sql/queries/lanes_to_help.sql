-- Lanes of others whose head has waited for too long.
-- $1 worker bigint
-- $2 limit integer
SELECT lane_id, mark_key, mark_chunk FROM attune.lanes_to_help($1, $2)
