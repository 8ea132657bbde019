-- $1 tenant text
-- $2 base text
SELECT attune.readapt($1, $2)
