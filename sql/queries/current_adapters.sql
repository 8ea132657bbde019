-- What users of a tenant have now under its active base, and where the bytes lie. A user without a revision uses the
-- recipe's start, never an adapter of another base.
-- $1 tenant text
-- $2 user_ids text[]
SELECT u.user_id, u.uid, r.revision_id, r.number, b.digest AS base_digest, c.digest AS recipe_digest, a.epoch AS base_epoch,
    o.key, s."offset", s.length, s.sha256
FROM attune.tenant t
JOIN attune."user" u ON u.tenant_id = t.tenant_id AND u.user_id = ANY ($2)
LEFT JOIN attune.active_base a ON a.tenant_id = t.tenant_id
LEFT JOIN attune.base b ON b.base_id = a.base_id
LEFT JOIN attune.pointer p ON p.uid = u.uid AND p.base_id = a.base_id
LEFT JOIN attune.revision r ON r.revision_id = p.revision_id
LEFT JOIN attune.recipe c ON c.recipe_id = r.recipe_id
LEFT JOIN attune.object_slot s ON s.revision_id = r.revision_id
LEFT JOIN attune.object o ON o.object_id = s.object_id
WHERE t.name = $1
