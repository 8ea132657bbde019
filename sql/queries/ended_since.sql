-- How many jobs ended since a time, by state.
-- $1 tenant text
-- $2 since timestamp with time zone
SELECT attune.ending_name(o.ending) AS state, count(*) AS jobs
FROM attune.outcome o JOIN attune.tenant t ON t.tenant_id = o.tenant_id
WHERE o.finished_at >= $2 AND ($1::text IS NULL OR t.name = $1)
GROUP BY o.ending
