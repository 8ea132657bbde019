-- What users would have under the base before, had they all been adapted there: pointers, without the work.
-- $1 tenant text
INSERT INTO attune.pointer (uid, base_id, tenant_id, revision_id, number, recipe_id, judged_through)
SELECT u.uid, a.base_id, u.tenant_id, NULL, 0, r.recipe_id, u.data_seq
FROM attune.tenant t JOIN attune.active_base a ON a.tenant_id = t.tenant_id
JOIN attune.active_recipe r ON r.tenant_id = t.tenant_id AND r.base_id = a.base_id
JOIN attune."user" u ON u.tenant_id = t.tenant_id
WHERE t.name = $1::text ORDER BY u.uid
