-- Ends a pause.
-- $1 tenant text
-- $2 kind text
SELECT attune.resume($1, $2)
