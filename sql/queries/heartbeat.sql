-- Extends the lease of everything that a worker holds.
-- $1 worker bigint
-- $2 progress bigint
-- $3 in_hand integer
SELECT state, lease_seconds, lanes, generations, leader_lives FROM attune.heartbeat($1, $2, $3)
