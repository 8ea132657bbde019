-- Rows of the plain queues.
-- $1 jobs integer
SELECT bench.seed_plain($1)
