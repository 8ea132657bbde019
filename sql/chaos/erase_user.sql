-- $1 tenant text
-- $2 user_id text
SELECT attune.erase_user($1, $2)
