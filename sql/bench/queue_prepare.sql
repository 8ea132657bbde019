-- Tenants, users and lanes.
-- $1 tenants integer
-- $2 users integer: of the first tenant
-- $3 small_users integer: of each other tenant
-- $4 lanes integer
SELECT bench.prepare($1, $2, $3, $4)
