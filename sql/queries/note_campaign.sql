-- $1 epoch bigint
-- $2 campaign integer
-- $3 ahead bigint
-- $4 rate real
SELECT attune.note_campaign($1, $2, $3, $4)
