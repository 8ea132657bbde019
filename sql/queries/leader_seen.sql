-- Says that the leader lives; false when another leads.
-- $1 epoch bigint
SELECT attune.leader_seen($1)
