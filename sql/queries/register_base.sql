-- Makes a base known.
-- $1 name text
-- $2 digest text
-- $3 width integer
SELECT attune.register_base($1, $2, $3)
