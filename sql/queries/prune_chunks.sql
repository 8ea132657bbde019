-- One bounded step of pruning chunks; how many rows it looked at.
-- $1 epoch bigint
-- $2 budget integer
SELECT attune.prune_chunks($1, $2)
