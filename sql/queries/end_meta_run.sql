-- Ends a meta-training on the cluster.
-- $1 run bigint
SELECT attune.end_meta_run($1)
