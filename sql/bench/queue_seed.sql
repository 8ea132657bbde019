-- Chunks that wait, are deferred or parked.
-- $1 chunks integer
-- $2 jobs_each integer
-- $3 tenants integer: of how many tenants in turn
-- $4 chunk_state integer
SELECT bench.seed($1, $2, $3, $4)
