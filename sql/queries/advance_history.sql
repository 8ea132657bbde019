-- Makes, starts and closes partitions as it is time to.
-- $1 epoch bigint
SELECT attune.advance_history($1)
