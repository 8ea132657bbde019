-- Where the migrator keeps what it has applied. Run under the migrator's lock: IF NOT EXISTS alone is not safe when two
-- sessions create the same thing at once.
CREATE SCHEMA IF NOT EXISTS attune;
CREATE TABLE IF NOT EXISTS attune.schema_version (
    version int PRIMARY KEY CHECK (version >= 0),
    name text NOT NULL,
    digest text NOT NULL CHECK (length(digest) = 64),
    breaking boolean NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE attune.schema_version IS 'Migrations applied to this database; version 0 stands for all functions and views.';
COMMENT ON COLUMN attune.schema_version.digest IS 'SHA-256 of the migration''s text, hexadecimal.';
COMMENT ON COLUMN attune.schema_version.breaking IS 'Programs that do not know this version must not use the schema.';
GRANT SELECT ON attune.schema_version TO PUBLIC;
