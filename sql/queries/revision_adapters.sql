-- Where the bytes of given revisions lie: what jobs start from.
-- $1 revision_ids bigint[]
SELECT s.revision_id, s.uid, r.number, b.digest AS base_digest, c.digest AS recipe_digest, o.key, s."offset", s.length, s.sha256
FROM attune.object_slot s
JOIN attune.object o ON o.object_id = s.object_id
JOIN attune.revision r ON r.revision_id = s.revision_id
JOIN attune.base b ON b.base_id = r.base_id
JOIN attune.recipe c ON c.recipe_id = r.recipe_id
WHERE s.revision_id = ANY ($1)
