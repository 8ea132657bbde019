-- A recipe's bytes. The same file may be registered for several tenants: any of the rows will do.
-- $1 digest text
SELECT f.bytes FROM attune.recipe r JOIN attune.recipe_file f ON f.recipe_id = r.recipe_id WHERE r.digest = $1 LIMIT 1
