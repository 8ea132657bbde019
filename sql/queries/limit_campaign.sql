-- $1 campaign integer
-- $2 users_per_second real: null: as fast as the workers are
SELECT attune.limit_campaign($1, $2)
