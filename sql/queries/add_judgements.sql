-- $1 campaign integer
-- $2 uids bigint[]
-- $3 epochs integer[]
-- $4 rounds integer[]
-- $5 waves integer[]
-- $6 methods text[]
-- $7 examples integer[]
-- $8 losses_before double precision[]
-- $9 losses_after double precision[]
SELECT attune.add_judgements($1, $2, $3, $4, $5, $6, $7, $8, $9)
