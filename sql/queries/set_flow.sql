-- Sets a flow's weight, and returns what it was.
-- $1 tenant text
-- $2 flow text
-- $3 weight real
SELECT attune.set_flow($1, $2, $3)
