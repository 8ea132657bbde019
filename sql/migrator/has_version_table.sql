-- Whether any migrator has been here.
SELECT to_regclass('attune.schema_version') IS NOT NULL AS present
