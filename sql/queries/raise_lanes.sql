-- More lanes, for more workers.
-- $1 epoch bigint
-- $2 count integer
SELECT attune.raise_lanes($1, $2) AS made
