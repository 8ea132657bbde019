-- $1 tenant text
-- $2 user_id text
-- $3 base text: name or digest; null: the tenant's active base
-- $4 number int: of a revision; null: the one in use
-- Where a user's adapter lies and what it was made with. One row if the tenant exists; its nulls say what does not.
SELECT u.uid, b.digest AS base_digest, b.width, CASE WHEN b.base_id = a.base_id THEN a.epoch END AS base_epoch,
    c.recipe_id, c.digest AS recipe_digest, r.revision_id, r.number, r.data_through, r.published_at,
    o.key, s."offset", s.length, s.sha256
FROM attune.tenant t
LEFT JOIN attune."user" u ON u.tenant_id = t.tenant_id AND u.user_id = $2::text
LEFT JOIN attune.active_base a ON a.tenant_id = t.tenant_id
LEFT JOIN attune.base b ON b.base_id = CASE
    WHEN $3::text IS NULL THEN a.base_id
    ELSE (SELECT n.base_id FROM attune.base n WHERE n.digest = $3 OR n.name = $3 ORDER BY n.digest = $3 DESC LIMIT 1)
END
LEFT JOIN attune.active_recipe ar ON ar.tenant_id = t.tenant_id AND ar.base_id = b.base_id
    AND ar.kind_id = (SELECT k.kind_id FROM attune.kind k WHERE k.name = 'adapt')
LEFT JOIN attune.pointer p ON p.uid = u.uid AND p.base_id = b.base_id
LEFT JOIN attune.revision r ON r.uid = u.uid AND r.base_id = b.base_id
    AND CASE WHEN $4::int IS NULL THEN r.revision_id = p.revision_id ELSE r.number = $4 END
LEFT JOIN attune.recipe c ON c.recipe_id = coalesce(r.recipe_id, ar.recipe_id)
LEFT JOIN attune.object_slot s ON s.revision_id = r.revision_id
LEFT JOIN attune.object o ON o.object_id = s.object_id
WHERE t.name = $1::text
