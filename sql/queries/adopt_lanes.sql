-- Lanes for a worker while no scheduler leads.
-- $1 worker bigint
SELECT attune.adopt_lanes($1)
