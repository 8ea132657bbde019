-- A user of a tenant who has a revision under the active base: the first one whose id is at least $2.
-- $1 tenant text
-- $2 uid bigint
SELECT u.uid, u.user_id, r.number FROM attune.tenant t JOIN attune.active_base a USING (tenant_id)
JOIN attune."user" u USING (tenant_id) JOIN attune.pointer p ON p.uid = u.uid AND p.base_id = a.base_id
JOIN attune.revision r ON r.revision_id = p.revision_id
WHERE t.name = $1 AND u.uid >= $2 AND u.user_id IS NOT NULL ORDER BY u.uid LIMIT 1
