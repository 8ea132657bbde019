-- Makes a base the one that serves a tenant.
-- $1 tenant text
-- $2 base text: its name or digest
SELECT attune.promote($1, $2)
