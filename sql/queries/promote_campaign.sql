-- Makes a base serve a tenant, if its epoch is still the expected one.
-- $1 tenant text
-- $2 base text: its name or digest
-- $3 expected_epoch bigint: null: whatever it is
-- $4 force boolean: although a campaign under it is not ready
SELECT attune.promote($1, $2, $3, $4)
