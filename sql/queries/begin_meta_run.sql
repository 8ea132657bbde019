-- Begins or goes on with a meta-training on the cluster.
-- $1 tenant text
-- $2 run bigint: null to begin
SELECT run_id, key_prefix FROM attune.begin_meta_run($1, $2)
