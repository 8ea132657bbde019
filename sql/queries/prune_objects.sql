-- One bounded step of pruning objects; how many rows it looked at.
-- $1 epoch bigint
-- $2 budget integer
SELECT attune.prune_objects($1, $2)
