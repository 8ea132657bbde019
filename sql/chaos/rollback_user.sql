-- $1 tenant text
-- $2 user_id text
-- $3 to_number integer
-- $4 from_number integer
SELECT attune.rollback($1, $2, $3, $4)
