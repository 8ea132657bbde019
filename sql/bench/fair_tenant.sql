-- Makes one of them.
-- $1 tenant text
SELECT attune.create_tenant($1)
