CREATE OR REPLACE VIEW attune.users WITH (security_invoker = true) AS
SELECT t.name AS tenant, u.user_id, u.data_seq AS examples, r.number AS revision, r.revision_id, r.published_at, r.data_through,
    u.data_seq - coalesce(p.judged_through, 0) AS newer_examples, b.name AS base, c.digest AS recipe, s.length AS stored_bytes,
    u.created_at, u.uid
FROM attune."user" u
JOIN attune.tenant t ON t.tenant_id = u.tenant_id
LEFT JOIN attune.active_base a ON a.tenant_id = u.tenant_id
LEFT JOIN attune.base b ON b.base_id = a.base_id
LEFT JOIN attune.pointer p ON p.uid = u.uid AND p.base_id = a.base_id
LEFT JOIN attune.revision r ON r.revision_id = p.revision_id
LEFT JOIN attune.recipe c ON c.recipe_id = r.recipe_id
LEFT JOIN attune.object_slot s ON s.revision_id = r.revision_id
WHERE u.erased_at IS NULL;
COMMENT ON VIEW attune.users IS 'Users, what they have under their tenant''s active base, and how many examples it has not seen.';
