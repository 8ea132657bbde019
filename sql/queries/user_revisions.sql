-- A user's revisions under every base, newest first.
-- $1 uid bigint
-- $2 row_limit bigint
SELECT r.revision_id, r.number, p.number AS parent, b.name AS base, c.digest AS recipe, r.job_id, r.data_through, r.published_at,
    s.length AS stored_bytes, n.revision_id IS NOT NULL AS is_current
FROM attune.revision r
JOIN attune.base b ON b.base_id = r.base_id
JOIN attune.recipe c ON c.recipe_id = r.recipe_id
LEFT JOIN attune.revision p ON p.revision_id = r.parent_id
LEFT JOIN attune.object_slot s ON s.revision_id = r.revision_id
LEFT JOIN attune.pointer n ON n.uid = r.uid AND n.base_id = r.base_id AND n.revision_id = r.revision_id
WHERE r.uid = $1
ORDER BY r.revision_id DESC
LIMIT $2
