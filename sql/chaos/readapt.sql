-- A campaign that nobody judges: its own tests do.
-- $1 tenant text
-- $2 base text
SELECT attune.readapt($1, $2, canary_users => 50, judged_users => 0)
