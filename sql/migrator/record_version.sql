-- Records a migration before it is run, in the same transaction; for version 0, what replaced the last text.
-- $1 version integer
-- $2 name text
-- $3 digest text
-- $4 breaking boolean
INSERT INTO attune.schema_version (version, name, digest, breaking) VALUES ($1, $2, $3, $4)
ON CONFLICT (version) DO UPDATE SET
    name = excluded.name, digest = excluded.digest, applied_at = clock_timestamp()
WHERE schema_version.version = 0
