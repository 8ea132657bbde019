-- Makes a tenant and its flows.
-- $1 name text
SELECT attune.create_tenant($1)
