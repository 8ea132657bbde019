-- A page of a tenant's users, in the order of their surrogate ids.
-- $1 tenant text
-- $2 after bigint: the last uid of the page before
-- $3 at_most integer
SELECT u.uid, u.user_id FROM attune."user" u
WHERE u.tenant_id = (SELECT t.tenant_id FROM attune.tenant t WHERE t.name = $1) AND u.uid > $2 AND u.erased_at IS NULL
ORDER BY u.uid LIMIT $3
