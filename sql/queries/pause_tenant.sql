-- Lets nothing more of a tenant, or of one kind of its jobs, be claimed.
-- $1 tenant text
-- $2 kind text
-- $3 reason text
SELECT attune.pause($1, $2, $3)
