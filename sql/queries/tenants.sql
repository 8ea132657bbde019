-- Tenants that the caller sees, with what serves them now.
SELECT t.tenant_id, t.name, t.key_prefix, t.created_at, b.name AS base, b.digest AS base_digest, a.epoch AS base_epoch
FROM attune.tenant t
LEFT JOIN attune.active_base a ON a.tenant_id = t.tenant_id
LEFT JOIN attune.base b ON b.base_id = a.base_id
ORDER BY t.name
