-- One bounded step of pruning revisions; how many rows it looked at.
-- $1 epoch bigint
-- $2 budget integer
SELECT attune.prune_revisions($1, $2)
