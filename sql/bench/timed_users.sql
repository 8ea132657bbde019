-- Users of the tenant of timed jobs.
-- $1 count integer
INSERT INTO attune."user" (tenant_id, user_id) SELECT t.tenant_id, 'u-' || n FROM attune.tenant t, generate_series(1, $1) AS n WHERE t.name = 'timed'
