-- The base that serves a tenant, and the epoch of its promotion.
-- $1 tenant text
SELECT b.name, a.epoch FROM attune.tenant t JOIN attune.active_base a USING (tenant_id) JOIN attune.base b USING (base_id)
WHERE t.name = $1
