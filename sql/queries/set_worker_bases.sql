-- $1 worker bigint
-- $2 digests text[]
SELECT attune.set_worker_bases($1, $2)
