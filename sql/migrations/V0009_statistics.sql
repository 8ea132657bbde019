-- Figures for people at bounded cost: what workers report, folded into minutes and hours; and what operators did.
--
-- These return other columns now; the definitions are applied again after the migrations.
DROP FUNCTION IF EXISTS attune.claim(bigint, int, real, int, bigint, bigint, xid8);
DROP VIEW IF EXISTS attune.recent_outcomes, attune.backlog;
DROP FUNCTION IF EXISTS attune.waiting_rows();

ALTER TABLE attune.setting
    ADD COLUMN statistics_tenants int NOT NULL DEFAULT 64 CHECK (statistics_tenants BETWEEN 1 AND 10000),
    ADD COLUMN statistics_minutes_hours int NOT NULL DEFAULT 26 CHECK (statistics_minutes_hours BETWEEN 2 AND 8784),
    ADD COLUMN statistics_days int NOT NULL DEFAULT 400 CHECK (statistics_days BETWEEN 2 AND 36500);
COMMENT ON COLUMN attune.setting.statistics_tenants IS 'Tenants with figures of their own, the busiest; the others'' are summed under tenant_id 0.';
COMMENT ON COLUMN attune.setting.statistics_minutes_hours IS 'How long figures of single minutes are kept.';
COMMENT ON COLUMN attune.setting.statistics_days IS 'How long figures of hours are kept; a month of them is dropped at a time.';

CREATE TABLE attune.stat_delta (
    worker_id bigint NOT NULL,
    beat bigint NOT NULL,
    tenant_id int NOT NULL,
    flow_id int NOT NULL,
    kind_id smallint NOT NULL,
    ending smallint NOT NULL CHECK (ending BETWEEN 0 AND 6),
    born xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    jobs bigint NOT NULL,
    examples bigint NOT NULL DEFAULT 0,
    stored_bytes bigint NOT NULL DEFAULT 0,
    stage_ms bigint[] CHECK (cardinality(stage_ms) = 4),
    latency bigint[] CHECK (cardinality(latency) = 80),
    PRIMARY KEY (worker_id, beat, tenant_id, flow_id, kind_id, ending)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX stat_delta_born ON attune.stat_delta (born);
COMMENT ON TABLE attune.stat_delta IS 'What workers got done since their last report: insert-only, with every few heartbeats; folded into stat_minute. The key makes a repeated report count once.';
COMMENT ON COLUMN attune.stat_delta.worker_id IS 'Who reports; 0: a function of the queue (cancel, rescue), then beat is a number of its own.';
COMMENT ON COLUMN attune.stat_delta.ending IS 'As in outcome; 0: runs again.';
COMMENT ON COLUMN attune.stat_delta.stage_ms IS 'Milliseconds summed over jobs: fetch, adapt, encode, upload.';
COMMENT ON COLUMN attune.stat_delta.latency IS 'Jobs by milliseconds: 20 buckets each of fetch, adapt, encode, upload. Bucket 1 holds 0 ms, bucket n from 2^(n-2) ms to below 2^(n-1) ms, bucket 20 the rest.';
CREATE SEQUENCE attune.stat_beat_seq;
COMMENT ON SEQUENCE attune.stat_beat_seq IS 'Numbers of reports that functions make themselves.';

CREATE TABLE attune.stat_minute (
    minute timestamptz NOT NULL,
    tenant_id int NOT NULL,
    flow_id int NOT NULL,
    kind_id smallint NOT NULL,
    ending smallint NOT NULL,
    since timestamptz NOT NULL,
    jobs bigint NOT NULL,
    examples bigint NOT NULL,
    stored_bytes bigint NOT NULL,
    stage_ms bigint[],
    latency bigint[],
    PRIMARY KEY (minute, tenant_id, flow_id, kind_id, ending)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE attune.stat_minute IS 'Reports summed by the minute in which they came. tenant_id 0 and flow_id 0: tenants that are not among the busiest.';
COMMENT ON COLUMN attune.stat_minute.since IS 'When the first of them came.';

CREATE TABLE attune.stat_hour (
    hour timestamptz NOT NULL,
    tenant_id int NOT NULL,
    flow_id int NOT NULL,
    kind_id smallint NOT NULL,
    ending smallint NOT NULL,
    jobs bigint NOT NULL,
    examples bigint NOT NULL,
    stored_bytes bigint NOT NULL,
    stage_ms bigint[],
    latency bigint[],
    PRIMARY KEY (hour, tenant_id, flow_id, kind_id, ending)
) PARTITION BY RANGE (hour);
COMMENT ON TABLE attune.stat_hour IS 'The minutes summed by the hour, a few minutes after its end; a partition a month.';

CREATE TABLE attune.stat_cursor (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    folded xid8 NOT NULL DEFAULT '0',
    hours_through timestamptz,
    pruned_deltas xid8 NOT NULL DEFAULT '0',
    pruned_minutes timestamptz NOT NULL DEFAULT '2000-01-01 00:00:00+00',
    folded_at timestamptz
) WITH (fillfactor = 20);
INSERT INTO attune.stat_cursor DEFAULT VALUES;
COMMENT ON TABLE attune.stat_cursor IS 'How far figures have been folded. Its row lock lets one process at a time fold; which one does not matter.';
COMMENT ON COLUMN attune.stat_cursor.folded IS 'Reports of transactions up to this one are in stat_minute.';
COMMENT ON COLUMN attune.stat_cursor.hours_through IS 'Hours before this one are in stat_hour.';
COMMENT ON COLUMN attune.stat_cursor.pruned_deltas IS 'Reports up to this transaction are gone: pruning goes on here, not at dead index entries.';

-- Rare rows, which people look for: an index of those only, within a tenant and over all.
CREATE INDEX outcome_ended_badly ON attune.outcome (tenant_id, ending, job_id) WHERE ending >= 5;
CREATE INDEX outcome_ending ON attune.outcome (ending, job_id) WHERE ending >= 5;
CREATE INDEX attempt_log_class_job ON attune.attempt_log (error_class, job_id) WHERE job_id IS NOT NULL;
CREATE INDEX job_campaign ON attune.job (campaign_id, job_id) WHERE campaign_id IS NOT NULL;

CREATE TABLE attune.audit (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who name NOT NULL,
    action text NOT NULL,
    tenant_id int,
    filter jsonb NOT NULL,
    cursor bigint,
    counts jsonb NOT NULL DEFAULT '{}',
    ended_at timestamptz
);
CREATE INDEX audit_tenant ON attune.audit (tenant_id, audit_id);
COMMENT ON TABLE attune.audit IS 'What operators and producers asked for by hand: who, when, what, for which rows, and what came of it. An action in steps updates its row.';
COMMENT ON COLUMN attune.audit.filter IS 'The arguments, frozen: which rows it was for.';
COMMENT ON COLUMN attune.audit.cursor IS 'Where an action in steps goes on.';
COMMENT ON COLUMN attune.audit.counts IS 'How many rows it changed, by what became of them.';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['stat_delta', 'stat_minute', 'stat_hour', 'audit'] LOOP
        EXECUTE format('ALTER TABLE attune.%s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY everything ON attune.%s TO attune_worker, attune_operator USING (true)', t);
        EXECUTE format('CREATE POLICY own_tenant ON attune.%s FOR SELECT '
            'USING (tenant_id = ANY ((SELECT attune.tenants_of(current_user))::int[]))', t);
    END LOOP;
END
$$;

CREATE INDEX job_retry ON attune.job (retry_of) WHERE retry_of IS NOT NULL;
