-- Makes a tenant.
-- $1 name text
SELECT attune.create_tenant($1)
