-- active, draining or stopped.
-- $1 worker bigint
-- $2 state text
SELECT attune.drain_worker($1, $2)
