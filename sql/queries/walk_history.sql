-- Looks for what must outlive the partition that goes next.
-- $1 epoch bigint
-- $2 budget integer: jobs looked at
-- $3 most_stragglers integer: with more, the partition stays
SELECT attune.walk_history($1, $2, $3)
