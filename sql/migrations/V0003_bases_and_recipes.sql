-- Frozen models, recipes, and which of them a tenant uses now.
CREATE TABLE attune.base (
    base_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest text NOT NULL UNIQUE CHECK (digest ~ '^[0-9a-f]{64}$'),
    name text NOT NULL UNIQUE CHECK (name <> '' AND length(name) <= 200),
    width int NOT NULL CHECK (width > 0),
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE attune.base IS 'A frozen model, known by one digest over weights, configuration and tokenizer.';
COMMENT ON COLUMN attune.base.digest IS 'Hex SHA-256.';
COMMENT ON COLUMN attune.base.width IS 'Number of pooled features.';

CREATE TABLE attune.recipe (
    recipe_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int REFERENCES attune.tenant ON DELETE CASCADE,
    base_id int NOT NULL REFERENCES attune.base,
    kind_id smallint NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    name text NOT NULL CHECK (name <> '' AND length(name) <= 200),
    figures jsonb NOT NULL DEFAULT '{}',
    byte_count int NOT NULL CHECK (byte_count > 0),
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (digest, tenant_id)
);
COMMENT ON TABLE attune.recipe IS 'A product of meta-training, for one base and one kind of job. Without a tenant it is for everyone; else it was learned from that tenant''s users and is theirs.';
COMMENT ON COLUMN attune.recipe.digest IS 'Hex SHA-256 over the recipe file.';
COMMENT ON COLUMN attune.recipe.figures IS 'The figures that the recipe was accepted on, as its file states them.';

CREATE TABLE attune.recipe_file (
    recipe_id int PRIMARY KEY REFERENCES attune.recipe ON DELETE CASCADE,
    bytes bytea NOT NULL CHECK (length(bytes) > 0)
);
ALTER TABLE attune.recipe_file ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE attune.recipe_file IS 'A recipe''s bytes, apart from the row that lists it.';

CREATE TABLE attune.active_base (
    tenant_id int PRIMARY KEY REFERENCES attune.tenant ON DELETE CASCADE,
    base_id int NOT NULL REFERENCES attune.base,
    previous_base_id int REFERENCES attune.base,
    epoch bigint NOT NULL DEFAULT 1,
    promoted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    promoted_by name NOT NULL
);
COMMENT ON TABLE attune.active_base IS 'The base that serves a tenant: promotion of a million users is an update of this one row.';
COMMENT ON COLUMN attune.active_base.epoch IS 'Rises with each promotion; part of every ETag.';

CREATE TABLE attune.active_recipe (
    tenant_id int NOT NULL REFERENCES attune.tenant ON DELETE CASCADE,
    base_id int NOT NULL REFERENCES attune.base,
    kind_id smallint NOT NULL,
    recipe_id int NOT NULL REFERENCES attune.recipe,
    epoch bigint NOT NULL DEFAULT 1,
    activated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    activated_by name NOT NULL,
    PRIMARY KEY (tenant_id, base_id, kind_id)
);
COMMENT ON TABLE attune.active_recipe IS 'The recipe that a tenant''s jobs of one kind use under one base; read when a chunk is claimed.';

CREATE TABLE attune.kind (
    kind_id smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    coalesces boolean NOT NULL
);
INSERT INTO attune.kind VALUES (1, 'adapt', true);
ALTER TABLE attune.recipe ADD FOREIGN KEY (kind_id) REFERENCES attune.kind;
ALTER TABLE attune.active_recipe ADD FOREIGN KEY (kind_id) REFERENCES attune.kind;
COMMENT ON TABLE attune.kind IS 'What a job asks for.';
COMMENT ON COLUMN attune.kind.coalesces IS 'Whether a newer job of the same user makes an older waiting one superfluous.';
