-- What is wanted now.
-- $1 epoch bigint
-- $2 desired integer
-- $3 needed integer
-- $4 backlog_ms double precision
-- $5 arrival double precision
-- $6 speed_each double precision
-- $7 live integer
-- $8 lower_seconds double precision: for how long fewer have been enough; null: they are not
SELECT attune.set_worker_target($1, $2, $3, $4, $5, $6, $7, $8)
