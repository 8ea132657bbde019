-- $1 campaign integer
SELECT attune.cancel_campaign($1)
