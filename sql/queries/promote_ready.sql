-- $1 epoch bigint
-- $2 campaign integer
SELECT attune.promote_ready($1, $2)
