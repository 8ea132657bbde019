-- Catalogues of items, users, and what users have told us.
CREATE TABLE attune.catalogue (
    catalogue_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL REFERENCES attune.tenant ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 200),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tenant_id, name)
);
COMMENT ON TABLE attune.catalogue IS 'A named collection of items; a tenant''s examples refer to the one named default unless they say otherwise.';

-- Immutable as a generated column demands: convert_to is declared stable only because encodings can be created.
CREATE FUNCTION attune.text_digest(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN sha256(convert_to($1, 'UTF8'));
COMMENT ON FUNCTION attune.text_digest(text) IS 'SHA-256 of a text in UTF-8.';

CREATE TABLE attune.item (
    item_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL,
    catalogue_id int NOT NULL REFERENCES attune.catalogue ON DELETE CASCADE,
    external_id text NOT NULL CHECK (external_id <> '' AND length(external_id) <= 200),
    text text NOT NULL CHECK (text <> '' AND length(text) <= 20000),
    digest bytea GENERATED ALWAYS AS (attune.text_digest(text)) STORED,
    UNIQUE (catalogue_id, external_id)
);
COMMENT ON TABLE attune.item IS 'An item of a catalogue: what an example may name instead of carrying its text.';
COMMENT ON COLUMN attune.item.digest IS 'SHA-256 of the text in UTF-8: the key of its features in every cache.';

CREATE TABLE attune."user" (
    uid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL,
    user_id text CHECK (user_id <> '' AND length(user_id) <= 200),
    epoch int NOT NULL DEFAULT 1,
    data_seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_at timestamptz,
    CHECK ((user_id IS NULL) = (erased_at IS NOT NULL))
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX user_name ON attune."user" (tenant_id, user_id);
CREATE INDEX user_order ON attune."user" (tenant_id, uid);
COMMENT ON TABLE attune."user" IS 'A tenant''s user. Hot tables carry the surrogate uid, so that erasing the name here makes them nameless.';
COMMENT ON COLUMN attune."user".user_id IS 'The tenant''s own id of the user; null in the tombstone that erasure leaves.';
COMMENT ON COLUMN attune."user".epoch IS 'Rises at erasure. A claim reads it and a publish requires it: no late publish undoes an erasure.';
COMMENT ON COLUMN attune."user".data_seq IS 'Number of examples recorded so far. Its row lock makes commit order equal sequence order.';

-- An immutable function may stand in a CHECK: how many bytes the texts of a row hold.
CREATE FUNCTION attune.text_bytes(texts text[]) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT coalesce(sum(octet_length(t)), 0) FROM unnest(texts) AS t);
COMMENT ON FUNCTION attune.text_bytes(text[]) IS 'Bytes of UTF-8 in all elements together; nulls count nothing.';

CREATE TABLE attune.user_data (
    uid bigint NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    tenant_id int NOT NULL,
    example_count int NOT NULL CHECK (example_count > 0),
    items int[],
    labels real[],
    texts text[],
    object_key text,
    sha256 bytea CHECK (length(sha256) = 32),
    byte_count bigint CHECK (byte_count > 0),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (uid, seq),
    CONSTRAINT user_data_is_inline_or_an_object CHECK (
        CASE WHEN object_key IS NULL
            THEN cardinality(labels) = example_count AND sha256 IS NULL AND byte_count IS NULL
            ELSE sha256 IS NOT NULL AND byte_count IS NOT NULL
                AND labels IS NULL AND items IS NULL AND texts IS NULL
        END),
    CONSTRAINT user_data_arrays_match CHECK (
        (items IS NULL OR cardinality(items) = example_count)
        AND (texts IS NULL OR cardinality(texts) = example_count)
        AND (object_key IS NOT NULL OR items IS NOT NULL OR texts IS NOT NULL)),
    CONSTRAINT user_data_inline_limit CHECK (cardinality(labels) <= 4096 AND attune.text_bytes(texts) <= 1048576)
);
ALTER TABLE attune.user_data ALTER COLUMN texts SET COMPRESSION lz4;
COMMENT ON TABLE attune.user_data IS 'One recording of a user''s examples, in order of time: inline up to 4,096 examples and 1 MiB of text, else a reference to an object.';
COMMENT ON COLUMN attune.user_data.seq IS 'The user''s data_seq after this recording: it holds examples seq - example_count + 1 to seq.';
COMMENT ON COLUMN attune.user_data.items IS 'Item ids, null where the example carries its text; null altogether when no example names an item.';
COMMENT ON COLUMN attune.user_data.labels IS 'One finite label an example.';
COMMENT ON COLUMN attune.user_data.texts IS 'Texts, null where the example names an item; null altogether when every example does.';
