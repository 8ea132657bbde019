-- Gives chunks to a worker that holds their base.
-- $1 chunks bigint[]
-- $2 attempts integer[]
-- $3 tokens uuid[]
-- $4 class text
-- $5 message text
SELECT attune.pass_on($1, $2, $3, $4, $5)
