-- A page of a tenant's users, in the order of their surrogate ids.
-- $1 tenant text
-- $2 after_uid bigint
-- $3 row_limit bigint
SELECT u.uid, u.user_id, u.data_seq
FROM attune.tenant t JOIN attune."user" u ON u.tenant_id = t.tenant_id AND u.uid > $2
WHERE t.name = $1 AND u.erased_at IS NULL
ORDER BY u.uid
LIMIT $3
