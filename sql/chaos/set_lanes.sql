-- $1 count integer
SELECT attune.set_lanes($1)
