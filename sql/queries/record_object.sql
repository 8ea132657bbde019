-- Records examples that lie in an object.
-- $1 tenant text
-- $2 user_id text
-- $3 example_count integer
-- $4 object_key text
-- $5 sha256 bytea
-- $6 byte_count bigint
SELECT attune.record_object($1, $2, $3, $4, $5, $6)
