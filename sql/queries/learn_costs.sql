-- What jobs really take, from what workers told.
SELECT attune.learn_costs()
