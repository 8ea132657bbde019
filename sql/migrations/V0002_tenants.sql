-- Tenants, who may act for them, and their flows.
CREATE TABLE attune.tenant (
    tenant_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    key_prefix text NOT NULL UNIQUE CHECK (key_prefix ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE attune.tenant IS 'A customer: the unit of isolation of rows, jobs, objects and adapters.';
COMMENT ON COLUMN attune.tenant.key_prefix IS 'First component of the keys of this tenant''s objects; never changes, even when the name does.';

CREATE TABLE attune.tenant_role (
    role_name name NOT NULL,
    tenant_id int NOT NULL REFERENCES attune.tenant ON DELETE CASCADE,
    access text NOT NULL CHECK (access IN ('read', 'produce')),
    PRIMARY KEY (role_name, tenant_id)
);
CREATE INDEX tenant_role_tenant ON attune.tenant_role (tenant_id);
COMMENT ON TABLE attune.tenant_role IS 'Which database roles act for a tenant. Row-level security reads this and nothing a session can set.';
COMMENT ON COLUMN attune.tenant_role.access IS 'read: sees the tenant''s rows. produce: also records examples, enqueues, cancels, rolls back, erases.';

CREATE TABLE attune.flow (
    flow_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL REFERENCES attune.tenant ON DELETE CASCADE,
    name text NOT NULL CHECK (name IN ('interactive', 'bulk', 'campaign')),
    base_tag bigint NOT NULL DEFAULT 0,
    weight real NOT NULL CHECK (weight > 0 AND weight <= 1000000),
    UNIQUE (tenant_id, name)
);
COMMENT ON TABLE attune.flow IS 'A stream of one tenant that is served by weight. Its sequence attune.flow_<id>_seq counts jobs: a fair tag needs no hot row.';
COMMENT ON COLUMN attune.flow.base_tag IS 'Where this flow''s tags start; raised for an idle flow, so that idleness saves up no burst.';
COMMENT ON COLUMN attune.flow.weight IS 'Share of service relative to other flows that have work waiting.';

CREATE TABLE attune.fair_clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    virtual_time bigint NOT NULL DEFAULT 0,
    advanced_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 20);
INSERT INTO attune.fair_clock DEFAULT VALUES;
COMMENT ON TABLE attune.fair_clock IS 'Virtual time of start-time fair queueing: the smallest sort key that waits. One row, written once a tick.';
