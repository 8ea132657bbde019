-- Of these users, those who have examples already.
-- $1 tenant text
-- $2 users text[]
SELECT u.user_id FROM attune."user" u JOIN attune.tenant t ON t.tenant_id = u.tenant_id
WHERE t.name = $1 AND u.user_id = ANY ($2) AND u.data_seq > 0
