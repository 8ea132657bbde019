-- Recipes that a tenant may use, newest first, and which of them it uses.
-- $1 tenant text
SELECT r.recipe_id, r.digest, r.name, k.name AS kind, b.name AS base, b.digest AS base_digest, r.byte_count, r.registered_at,
    r.figures, r.tenant_id IS NULL AS is_shared, a.recipe_id IS NOT NULL AS is_active
FROM attune.tenant t
JOIN attune.recipe r ON r.tenant_id IS NULL OR r.tenant_id = t.tenant_id
JOIN attune.kind k ON k.kind_id = r.kind_id
JOIN attune.base b ON b.base_id = r.base_id
LEFT JOIN attune.active_recipe a ON a.tenant_id = t.tenant_id AND a.base_id = r.base_id AND a.kind_id = r.kind_id
    AND a.recipe_id = r.recipe_id
WHERE t.name = $1
ORDER BY r.recipe_id DESC
