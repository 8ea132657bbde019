-- Users of a tenant and the ids that rows carry.
-- $1 tenant text
SELECT u.user_id, u.uid FROM attune."user" u JOIN attune.tenant t USING (tenant_id) WHERE t.name = $1 AND u.user_id IS NOT NULL
