-- Lets a database role act for a tenant.
-- $1 tenant text
-- $2 role_name text
-- $3 access text: read or produce
SELECT attune.map_role($1, $2::text::name, $3)
