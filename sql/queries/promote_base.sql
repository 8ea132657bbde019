-- Makes a base the one that serves a tenant; the epoch.
-- $1 tenant text
-- $2 base text: name or digest
SELECT attune.promote($1, $2)
