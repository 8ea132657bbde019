-- Extends the lease of everything that a worker holds, and tells what it did.
-- $1 worker bigint
-- $2 progress bigint
-- $3 in_hand integer
-- $4 in_hand_ms real
-- $5 busy_ms double precision
-- $6 span_ms double precision
-- $7 tenants integer[]
-- $8 kinds text[]
-- $9 estimated_ms double precision[]
-- $10 took_ms double precision[]
SELECT state, lease_seconds, lanes, generations, leader_lives, speed,
    extract(epoch FROM pg_postmaster_start_time())::double precision AS server_start
FROM attune.heartbeat($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
