SELECT r.recipe_id, r.base_id, r.digest, b.digest, b.width FROM attune.recipe r JOIN attune.base b USING (base_id)
