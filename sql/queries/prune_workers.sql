-- One bounded step of pruning workers; how many rows it looked at.
-- $1 epoch bigint
-- $2 budget integer
SELECT attune.prune_workers($1, $2)
