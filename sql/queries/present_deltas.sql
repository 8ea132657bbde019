-- $1 uids bigint[]
-- $2 base text: digest
-- Where the bytes of what users have under a base lie; users with nothing but the recipe's start are left out.
SELECT i.pos, o.key, s."offset", s.length, s.sha256, b.width, c.recipe_id, c.digest AS recipe_digest
FROM unnest($1::bigint[]) WITH ORDINALITY AS i (uid, pos)
JOIN attune.base b ON b.digest = $2
JOIN attune.pointer p ON p.uid = i.uid AND p.base_id = b.base_id
JOIN attune.revision r ON r.revision_id = p.revision_id
JOIN attune.recipe c ON c.recipe_id = r.recipe_id
JOIN attune.object_slot s ON s.revision_id = r.revision_id
JOIN attune.object o ON o.object_id = s.object_id
ORDER BY o.key, s."offset"
