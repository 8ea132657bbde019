-- Gives it the base and the recipe.
-- $1 tenant text
SELECT attune.promote($1, 'fair'), attune.activate_recipe($1, repeat('fb', 32))
