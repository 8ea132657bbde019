-- Makes the base before serve a tenant again.
-- $1 tenant text
-- $2 expected_epoch bigint: null: whatever it is
-- $3 force boolean: although the rollback window is closed
SELECT attune.rollback_base($1, $2, $3)
