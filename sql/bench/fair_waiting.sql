-- Jobs of a tenant that wait.
-- $1 tenant text
SELECT coalesce(sum(c.job_count), 0)::bigint FROM attune.chunk c JOIN attune.tenant t ON t.tenant_id = c.tenant_id
WHERE t.name = $1 AND c.state IN (0, 3)
