-- Removes old samples.
-- $1 epoch bigint
-- $2 limit integer
SELECT attune.prune_samples($1, $2)
