-- Gives lanes to workers, by compare-and-set on their generations.
-- $1 epoch bigint
-- $2 lanes integer[]
-- $3 generations bigint[]
-- $4 owners bigint[]
SELECT attune.move_lanes($1, $2, $3, $4)
