-- What a worker has to know of a campaign to start its users and to judge them.
-- $1 campaign integer
SELECT b.digest AS from_base, r.recipe_id AS from_recipe_id, r.digest AS from_recipe, c.warm_start
FROM attune.campaign c LEFT JOIN attune.base b ON b.base_id = c.from_base_id
LEFT JOIN attune.recipe r ON r.recipe_id = c.from_recipe_id
WHERE c.campaign_id = $1
