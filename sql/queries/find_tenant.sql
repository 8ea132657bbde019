-- A tenant that the caller may see.
-- $1 name text
SELECT tenant_id, name FROM attune.tenant WHERE name = $1
