-- Tells what waits in lanes, and remembers it.
-- $1 worker bigint: who owns them; null: the leader looks
-- $2 lanes integer[]
-- $3 mark_keys bigint[]
-- $4 mark_chunks bigint[]
SELECT lane_id, waiting, cost_ms, head_at, exact FROM attune.sample_lanes($1, $2, $3, $4)
