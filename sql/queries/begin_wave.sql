-- $1 epoch bigint
-- $2 campaign integer
-- $3 round integer
-- $4 wave integer
-- $5 users bigint
-- $6 judged_share real
SELECT attune.begin_wave($1, $2, $3, $4, $5, $6)
