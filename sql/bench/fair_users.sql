-- Its users, without examples: nothing is ever covered.
-- $1 tenant text
-- $2 count integer
INSERT INTO attune."user" (tenant_id, user_id) SELECT t.tenant_id, 'u-' || n FROM attune.tenant t, generate_series(1, $2) AS n WHERE t.name = $1
