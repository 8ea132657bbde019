-- Tenants that the caller may see; users are counted up to 100,001.
SELECT t.name, b.name AS base, r.name AS recipe,
    (SELECT count(*) FROM (
        SELECT FROM attune."user" u WHERE u.tenant_id = t.tenant_id AND u.erased_at IS NULL LIMIT 100001) AS n) AS users,
    t.created_at
FROM attune.tenant t
LEFT JOIN attune.active_base a ON a.tenant_id = t.tenant_id
LEFT JOIN attune.base b ON b.base_id = a.base_id
LEFT JOIN attune.active_recipe c ON c.tenant_id = t.tenant_id AND c.base_id = a.base_id AND c.kind_id = 1
LEFT JOIN attune.recipe r ON r.recipe_id = c.recipe_id
ORDER BY t.name
