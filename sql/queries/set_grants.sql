-- Gives workers their parts of limits, by compare-and-set.
-- $1 epoch bigint
-- $2 limits integer[]
-- $3 workers bigint[]
-- $4 slots integer[]: null with a null rate takes the grant away
-- $5 rates real[]
-- $6 generations bigint[]: null: there is none yet
SELECT attune.set_grants($1, $2, $3, $4, $5, $6)
