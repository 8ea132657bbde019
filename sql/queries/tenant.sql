-- One tenant, if the caller sees it, with what serves it now.
-- $1 name text
SELECT t.tenant_id, t.name, t.key_prefix, t.created_at, b.name AS base, b.digest AS base_digest, a.epoch AS base_epoch
FROM attune.tenant t
LEFT JOIN attune.active_base a ON a.tenant_id = t.tenant_id
LEFT JOIN attune.base b ON b.base_id = a.base_id
WHERE t.name = $1
