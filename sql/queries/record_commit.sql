-- Records what was copied.
-- $1 tenant text
-- $2 catalogue text
SELECT recordings, users, examples FROM attune.record_commit($1, $2)
