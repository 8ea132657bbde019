-- What has been applied, in order.
SELECT version, name, digest, breaking FROM attune.schema_version ORDER BY version
