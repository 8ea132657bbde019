-- Sets how much of a tenant may run; null lifts that limit.
-- $1 tenant text
-- $2 max_running integer
-- $3 rate real
-- $4 kind text
SELECT attune.set_limit($1, $2, $3, $4)
