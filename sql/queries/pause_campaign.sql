-- $1 campaign integer
-- $2 reason text
SELECT attune.pause_campaign($1, $2)
