-- Keeps readings as rows; how many are not ok.
-- $1 epoch bigint
-- $2 checked text[]
-- $3 names text[]
-- $4 subjects text[]
-- $5 measured double precision[]
-- $6 what text[]
-- $7 if_left text[]
-- $8 helps text[]
SELECT attune.record_health($1, $2, $3, $4, $5, $6, $7, $8)
