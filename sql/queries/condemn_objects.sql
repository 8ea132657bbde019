-- Of keys in the store, those that may be deleted.
-- $1 keys text[]
-- $2 sizes bigint[]
SELECT attune.condemn_objects($1, $2)
