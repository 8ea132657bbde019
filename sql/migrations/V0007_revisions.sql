-- Accepted adapters, where their bytes lie, and which one a user has now.
CREATE TABLE attune.object (
    object_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL,
    key text NOT NULL UNIQUE,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    byte_count bigint NOT NULL CHECK (byte_count > 0),
    state smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    condemned_at timestamptz
);
CREATE INDEX object_condemned ON attune.object (object_id) WHERE state = 1;
COMMENT ON TABLE attune.object IS 'An object of the store: one a delivery, never reused.';
COMMENT ON COLUMN attune.object.key IS 'tenant prefix/chunk-attempt-token-sha256. Unique: a publish and a collection of the same key exclude each other here.';
COMMENT ON COLUMN attune.object.state IS '0 live, 1 condemned (no publish may name it; to be deleted from the store), 2 deleted.';

CREATE TABLE attune.revision (
    revision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid bigint NOT NULL,
    parent_id bigint,
    job_id bigint NOT NULL,
    data_through bigint NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id int NOT NULL,
    base_id int NOT NULL,
    recipe_id int NOT NULL,
    number int NOT NULL CHECK (number > 0)
);
CREATE UNIQUE INDEX revision_line ON attune.revision (uid, base_id, number);
COMMENT ON TABLE attune.revision IS 'One accepted adapter of a user under a base: immutable. It does not say where its bytes lie, since repacking moves them.';
COMMENT ON COLUMN attune.revision.number IS 'Counts the user''s revisions under this base, from 1; what people call "revision 14".';
COMMENT ON COLUMN attune.revision.parent_id IS 'The revision that it started from; null: the recipe''s start.';
COMMENT ON COLUMN attune.revision.data_through IS 'The user''s data_seq as read when the data was fetched.';

CREATE TABLE attune.object_slot (
    revision_id bigint PRIMARY KEY,
    object_id bigint NOT NULL,
    uid bigint NOT NULL,
    tenant_id int NOT NULL,
    "offset" int NOT NULL CHECK ("offset" >= 0),
    length int NOT NULL CHECK (length > 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32)
);
CREATE INDEX object_slot_object ON attune.object_slot (object_id);
COMMENT ON TABLE attune.object_slot IS 'Where a revision''s bytes lie: one ranged GET. Repacking updates it by compare-and-set on object_id.';
COMMENT ON COLUMN attune.object_slot.sha256 IS 'Of the stored bytes of this slot.';

CREATE TABLE attune.pointer (
    uid bigint NOT NULL,
    base_id int NOT NULL,
    tenant_id int NOT NULL,
    revision_id bigint,
    number int NOT NULL,
    recipe_id int NOT NULL,
    judged_through bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (uid, base_id)
) WITH (fillfactor = 85);
COMMENT ON TABLE attune.pointer IS 'What a user has now under a base. Publish and rollback lock it, and compare the revision before they set it.';
COMMENT ON COLUMN attune.pointer.revision_id IS 'Null: the recipe''s start (nothing was accepted yet, or it was rolled back to that).';
COMMENT ON COLUMN attune.pointer.number IS 'Highest revision number given so far.';
COMMENT ON COLUMN attune.pointer.judged_through IS 'Data up to here has been adapted to, or looked at and kept, under recipe_id: a job with no newer data is covered.';
