-- The recipe that serves a tenant now, if base and recipe are chosen.
-- $1 tenant text
-- $2 kind text
SELECT r.digest, b.digest AS base_digest, a.epoch AS base_epoch, c.epoch AS recipe_epoch
FROM attune.tenant t
JOIN attune.active_base a ON a.tenant_id = t.tenant_id
JOIN attune.base b ON b.base_id = a.base_id
JOIN attune.kind k ON k.name = $2
JOIN attune.active_recipe c ON c.tenant_id = t.tenant_id AND c.base_id = a.base_id AND c.kind_id = k.kind_id
JOIN attune.recipe r ON r.recipe_id = c.recipe_id
WHERE t.name = $1
