-- What waits in each lane, how fast each worker is, what jobs really cost, and how many workers are wanted.
ALTER TABLE attune.setting
    ADD stall_seconds int NOT NULL DEFAULT 60 CHECK (stall_seconds BETWEEN 1 AND 86400),
    ADD help_seconds int NOT NULL DEFAULT 15 CHECK (help_seconds BETWEEN 1 AND 86400),
    ADD lanes_per_worker int NOT NULL DEFAULT 8 CHECK (lanes_per_worker BETWEEN 0 AND 1024),
    ADD drain_target_seconds int NOT NULL DEFAULT 300 CHECK (drain_target_seconds BETWEEN 1 AND 604800),
    ADD workers_min int NOT NULL DEFAULT 1 CHECK (workers_min >= 0),
    ADD workers_max int NOT NULL DEFAULT 100 CHECK (workers_max >= 1),
    ADD shrink_after_seconds int NOT NULL DEFAULT 300 CHECK (shrink_after_seconds BETWEEN 0 AND 86400),
    ADD CHECK (workers_min <= workers_max);
COMMENT ON COLUMN attune.setting.stall_seconds IS 'A worker with work in hand that gets nothing done for this long is wedged: its lanes go to others.';
COMMENT ON COLUMN attune.setting.help_seconds IS 'Workers with nothing to do claim from lanes of others whose head has waited for longer than this.';
COMMENT ON COLUMN attune.setting.lanes_per_worker IS 'The leader makes more lanes, so many for each live worker, when there have been fewer than half as many for a minute; never fewer. 0: it leaves their number alone.';
COMMENT ON COLUMN attune.setting.drain_target_seconds IS 'attune.desired_workers is the number that works off what waits in this time.';
COMMENT ON COLUMN attune.setting.workers_min IS 'attune.desired_workers is never below this.';
COMMENT ON COLUMN attune.setting.workers_max IS 'attune.desired_workers is never above this.';
COMMENT ON COLUMN attune.setting.shrink_after_seconds IS 'attune.desired_workers falls only after fewer workers were enough for this long.';

ALTER TABLE attune.worker
    DROP CONSTRAINT worker_state_check,
    ADD CONSTRAINT worker_state_check CHECK (state IN ('active', 'paused', 'draining', 'stopped')),
    ADD speed real CHECK (speed > 0),
    ADD work_ms double precision NOT NULL DEFAULT 0,
    ADD busy_ms double precision NOT NULL DEFAULT 0,
    ADD in_hand_ms real NOT NULL DEFAULT 0,
    ADD first_job_at timestamptz;
COMMENT ON COLUMN attune.worker.speed IS 'Milliseconds of reference work done per millisecond in which it had work in hand, smoothed; null until measured.';
COMMENT ON COLUMN attune.worker.work_ms IS 'Reference work done since it started, in milliseconds of a reference worker.';
COMMENT ON COLUMN attune.worker.busy_ms IS 'Time in which it had work in hand since it started, in milliseconds.';
COMMENT ON COLUMN attune.worker.in_hand_ms IS 'Reference work in hand at its last heartbeat, in milliseconds of a reference worker.';
COMMENT ON COLUMN attune.worker.first_job_at IS 'When it first told of work in hand or done: start to first job.';

CREATE TABLE attune.lane_sample (
    lane_id int NOT NULL,
    sampled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker_id bigint,
    waiting bigint NOT NULL CHECK (waiting >= 0),
    cost_ms double precision NOT NULL CHECK (cost_ms >= 0),
    head_at timestamptz,
    mark_key bigint NOT NULL,
    mark_chunk bigint NOT NULL,
    exact boolean NOT NULL,
    flows int[] NOT NULL,
    flow_waiting bigint[] NOT NULL,
    flow_cost_ms double precision[] NOT NULL,
    flow_head_at timestamptz[] NOT NULL,
    PRIMARY KEY (lane_id, sampled_at),
    CHECK (cardinality(flows) = cardinality(flow_waiting) AND cardinality(flows) = cardinality(flow_cost_ms)
        AND cardinality(flows) = cardinality(flow_head_at))
) WITH (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.2);
CREATE INDEX lane_sample_age ON attune.lane_sample USING brin (sampled_at) WITH (pages_per_range = 16);
COMMENT ON TABLE attune.lane_sample IS 'What waited in a lane: added by its owner every 10 s, while it is empty only on change. Insert-only; the leader removes what is older than ten minutes and not a lane''s newest.';
COMMENT ON COLUMN attune.lane_sample.worker_id IS 'The owner that looked; null: the leader, for a lane whose owner did not.';
COMMENT ON COLUMN attune.lane_sample.waiting IS 'Jobs that wait to be claimed.';
COMMENT ON COLUMN attune.lane_sample.cost_ms IS 'Their work in milliseconds of a reference worker: estimates times attune.cost_factor.';
COMMENT ON COLUMN attune.lane_sample.head_at IS 'When the job that waits longest was enqueued; null when none waits.';
COMMENT ON COLUMN attune.lane_sample.mark_key IS 'The owner''s low-water mark, with mark_chunk: nothing is known to wait before it, and what is dead there need not be read.';
COMMENT ON COLUMN attune.lane_sample.exact IS 'False: only the first chunks were counted, the rest is extrapolated from sort keys.';
COMMENT ON COLUMN attune.lane_sample.flows IS 'Flows that have jobs waiting in the lane; the other arrays follow its order.';

CREATE TABLE attune.cost_factor (
    tenant_id int NOT NULL,
    kind_id smallint NOT NULL,
    factor real NOT NULL DEFAULT 1 CHECK (factor > 0),
    estimated_ms double precision NOT NULL,
    took_ms double precision NOT NULL,
    learnt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, kind_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE attune.cost_factor IS 'What jobs of a tenant and kind really take over what was estimated for them, relative to all jobs together: the row of tenant 0.';
COMMENT ON COLUMN attune.cost_factor.estimated_ms IS 'Estimates of the jobs done lately, older ones counting less: half after seven minutes.';
COMMENT ON COLUMN attune.cost_factor.took_ms IS 'The same jobs as they were worked off: busy time times the worker''s speed.';

CREATE TABLE attune.work_delta (
    delta_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL,
    kind_id smallint NOT NULL,
    estimated_ms double precision NOT NULL,
    took_ms double precision NOT NULL
);
COMMENT ON TABLE attune.work_delta IS 'What workers did since attune.learn_costs last looked: a row a heartbeat, tenant and kind. Insert-only.';

CREATE TABLE attune.worker_target (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    desired int NOT NULL DEFAULT 1 CHECK (desired >= 0),
    needed int NOT NULL DEFAULT 1,
    backlog_ms double precision NOT NULL DEFAULT 0,
    arrival double precision NOT NULL DEFAULT 0,
    speed_each double precision NOT NULL DEFAULT 1,
    live int NOT NULL DEFAULT 0,
    lower_since timestamptz,
    decided_at timestamptz
) WITH (fillfactor = 20);
INSERT INTO attune.worker_target DEFAULT VALUES;
COMMENT ON TABLE attune.worker_target IS 'How many workers the leader wants, and the figures that it comes from. One row; read attune.desired_workers.';

DO $$
DECLARE
    t text;
BEGIN
    -- A lane holds many tenants' work: tenants see theirs through attune.backlog.
    FOREACH t IN ARRAY ARRAY['lane_sample', 'cost_factor', 'work_delta'] LOOP
        EXECUTE format('ALTER TABLE attune.%s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY everything ON attune.%s TO attune_worker, attune_operator USING (true)', t);
    END LOOP;
END
$$;

-- Their columns change; functions and views are made anew right after the migrations.
DROP VIEW IF EXISTS attune.lanes;
DROP FUNCTION IF EXISTS attune.claim(bigint, int, real, int, bigint, bigint, xid8);
