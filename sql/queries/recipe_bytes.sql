-- $1 recipe_id int
-- The file of a recipe that chunks were resolved to.
SELECT f.bytes FROM attune.recipe_file f WHERE f.recipe_id = $1::int
