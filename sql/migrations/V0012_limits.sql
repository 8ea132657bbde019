-- Fairness and limits: what a flow's tags are made of beside its sequence, and how much of a tenant may run.

-- Its new argument would make it another function beside this one.
DROP FUNCTION IF EXISTS attune.enqueue(text, text, text, text, bytea, text, timestamptz, real, text);

ALTER TABLE attune.setting
    ADD COLUMN priority_bonus int[] NOT NULL DEFAULT '{0,100,1000,10000}'
        CHECK (cardinality(priority_bonus) BETWEEN 1 AND 16 AND 0 <= ALL (priority_bonus)),
    ADD COLUMN priority_cap bigint NOT NULL DEFAULT 1000000 CHECK (priority_cap >= 0);
COMMENT ON COLUMN attune.setting.priority_bonus IS 'By priority from 0: how many jobs of its own flow a job goes ahead of. A bounded bonus is ageing: whoever waits long enough is overtaken no more.';
COMMENT ON COLUMN attune.setting.priority_cap IS 'No bonus moves a tag by more than this, in units of virtual time (1000 / weight a job).';

ALTER TABLE attune.fair_clock ADD COLUMN settled_at timestamptz NOT NULL DEFAULT 'epoch';
COMMENT ON COLUMN attune.fair_clock.settled_at IS 'When virtual time was last set to the largest tag given out, because nothing waited.';

ALTER TABLE attune.flow ADD COLUMN lag bigint NOT NULL DEFAULT 0 CHECK (lag >= 0);
COMMENT ON COLUMN attune.flow.lag IS 'How far the tenant''s parked work is behind virtual time: new tags start there, so that a job of this flow does not queue behind all that is parked.';

CREATE TABLE attune.flow_late (
    flow_id int PRIMARY KEY REFERENCES attune.flow ON DELETE CASCADE,
    late_tag bigint NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE attune.flow_late IS 'Tags of what comes back (retries, unparked chunks) after virtual time has passed its old ones: a second stream of the flow at the same weight, so that a thousand of them do not all start at once.';
COMMENT ON COLUMN attune.flow_late.late_tag IS 'Where the next one starts, unless virtual time has got further.';

CREATE TABLE attune.flow_refund (
    refund_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    flow_id int NOT NULL,
    jobs int NOT NULL CHECK (jobs > 0)
);
COMMENT ON TABLE attune.flow_refund IS 'Jobs cancelled before they were claimed, until the next tick takes their tags back from their flow. Insert-only: a cancel writes no shared row.';

CREATE TABLE attune.tenant_limit (
    limit_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL REFERENCES attune.tenant ON DELETE CASCADE,
    kind_id smallint REFERENCES attune.kind,
    max_running int CHECK (max_running >= 1),
    rate real CHECK (rate > 0 AND rate <= 1000000),
    is_paused boolean NOT NULL DEFAULT false,
    reason text CHECK (length(reason) <= 500),
    tokens real NOT NULL DEFAULT 0,
    refilled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_by name NOT NULL,
    UNIQUE NULLS NOT DISTINCT (tenant_id, kind_id),
    CHECK (is_paused OR max_running IS NOT NULL OR rate IS NOT NULL)
) WITH (fillfactor = 50);
COMMENT ON TABLE attune.tenant_limit IS 'How much of a tenant, or of one kind of its jobs, may run. Both apply where both are set.';
COMMENT ON COLUMN attune.tenant_limit.kind_id IS 'Null: all kinds together.';
COMMENT ON COLUMN attune.tenant_limit.max_running IS 'Jobs leased at the same time; null: no such limit.';
COMMENT ON COLUMN attune.tenant_limit.rate IS 'Jobs claimed a second, with a burst of two seconds; null: no such limit.';
COMMENT ON COLUMN attune.tenant_limit.tokens IS 'For claims without a grant while no scheduler leads: jobs that the rate allows as of refilled_at.';

CREATE TABLE attune.limit_grant (
    limit_id int NOT NULL REFERENCES attune.tenant_limit ON DELETE CASCADE,
    worker_id bigint NOT NULL,
    slots int CHECK (slots >= 0),
    rate real CHECK (rate >= 0),
    tokens real NOT NULL DEFAULT 0,
    refilled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    generation bigint NOT NULL DEFAULT 1,
    expires timestamptz NOT NULL,
    PRIMARY KEY (limit_id, worker_id)
) WITH (fillfactor = 50);
CREATE INDEX limit_grant_worker ON attune.limit_grant (worker_id);
COMMENT ON TABLE attune.limit_grant IS 'A worker''s part of a limit, given by the leader; their sum never exceeds it. The worker''s claims count against its own row and its own chunks, so that no row is shared.';
COMMENT ON COLUMN attune.limit_grant.slots IS 'Jobs of the limit that this worker may hold; null: the limit has no max_running.';
COMMENT ON COLUMN attune.limit_grant.rate IS 'Jobs a second that this worker may claim; null: the limit has no rate.';
COMMENT ON COLUMN attune.limit_grant.tokens IS 'Jobs that the rate allows as of refilled_at.';
COMMENT ON COLUMN attune.limit_grant.generation IS 'Rises with each change; changes are compare-and-set on it.';

-- Heads of capped and paused tenants wait here, outside the index that claims read.
CREATE INDEX chunk_parked ON attune.chunk (tenant_id, kind_id, sort_key, chunk_id) WHERE state = 3;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['tenant_limit', 'limit_grant', 'flow_late', 'flow_refund'] LOOP
        EXECUTE format('ALTER TABLE attune.%s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY everything ON attune.%s TO attune_worker, attune_operator USING (true)', t);
    END LOOP;
    CREATE POLICY own_tenant ON attune.tenant_limit FOR SELECT
        USING (tenant_id = ANY ((SELECT attune.tenants_of(current_user))::int[]));
END
$$;
