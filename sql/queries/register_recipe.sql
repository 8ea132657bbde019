-- Makes a recipe file known and returns its digest.
-- $1 tenant text: null for a recipe of all tenants
-- $2 base_digest text
-- $3 kind text
-- $4 name text
-- $5 figures jsonb
-- $6 bytes bytea
SELECT attune.register_recipe($1, $2, $3, $4, $5, $6)
