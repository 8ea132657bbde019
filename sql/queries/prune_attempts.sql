-- One bounded step of pruning attempts; how many rows it removed.
-- $1 epoch bigint
-- $2 budget integer
SELECT attune.prune_attempts($1, $2)
