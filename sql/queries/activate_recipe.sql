-- Lets a tenant's jobs use a recipe from their next claim on.
-- $1 tenant text
-- $2 digest text
SELECT attune.activate_recipe($1, $2)
