-- Who works, which slice of the queue each owns, and who leads.
CREATE TABLE attune.setting (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    lane_layout smallint NOT NULL DEFAULT 1 CHECK (lane_layout > 0),
    lane_count int NOT NULL DEFAULT 16 CHECK (lane_count BETWEEN 1 AND 65536),
    chunk_jobs int NOT NULL DEFAULT 100 CHECK (chunk_jobs BETWEEN 1 AND 256),
    chunk_cost_ms real NOT NULL DEFAULT 500 CHECK (chunk_cost_ms > 0),
    job_cost_ms real NOT NULL DEFAULT 5 CHECK (job_cost_ms > 0),
    lease_seconds int NOT NULL DEFAULT 30 CHECK (lease_seconds BETWEEN 1 AND 3600),
    deadline_seconds int NOT NULL DEFAULT 300 CHECK (deadline_seconds BETWEEN 1 AND 86400),
    dedup_days int NOT NULL DEFAULT 7 CHECK (dedup_days BETWEEN 0 AND 3650)
);
INSERT INTO attune.setting DEFAULT VALUES;
COMMENT ON TABLE attune.setting IS 'Settings that every process must agree on. One row.';
COMMENT ON COLUMN attune.setting.lane_layout IS 'Raised when lane_count changes: new chunks use the new lanes, old lanes drain.';
COMMENT ON COLUMN attune.setting.chunk_jobs IS 'Jobs that a bulk is cut into chunks of.';
COMMENT ON COLUMN attune.setting.chunk_cost_ms IS 'Work of a chunk at most, in milliseconds of a reference worker.';
COMMENT ON COLUMN attune.setting.job_cost_ms IS 'Cost of a job whose producer gave no estimate.';
COMMENT ON COLUMN attune.setting.lease_seconds IS 'How long a worker that stopped sending heartbeats keeps its chunks.';
COMMENT ON COLUMN attune.setting.deadline_seconds IS 'How long a live worker may hold one chunk, besides its estimated cost twenty times over.';
COMMENT ON COLUMN attune.setting.dedup_days IS 'How long a dedup key is remembered after its job has ended.';

CREATE TABLE attune.worker (
    worker_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 200),
    version text NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'draining', 'stopped')),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until timestamptz NOT NULL,
    progress bigint NOT NULL DEFAULT 0,
    progress_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    in_hand int NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0.2);
CREATE INDEX worker_running ON attune.worker (worker_id) WHERE state <> 'stopped';
COMMENT ON TABLE attune.worker IS 'One row a worker process. Its lease_until is the lease of every chunk it holds: one update a heartbeat extends them all.';
COMMENT ON COLUMN attune.worker.progress IS 'Rises whenever the worker gets anything done; standing still with chunks in hand means wedged.';

CREATE TABLE attune.lane (
    lane_id int PRIMARY KEY,
    owner bigint,
    generation bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX lane_owner ON attune.lane (owner);
INSERT INTO attune.lane (lane_id) SELECT 65536 + n FROM generate_series(0, 15) AS n;
COMMENT ON TABLE attune.lane IS 'A slice of the queue and the worker that owns it: written at moves only. Efficiency, never safety.';
COMMENT ON COLUMN attune.lane.lane_id IS 'lane_layout * 65536 + ordinal.';
COMMENT ON COLUMN attune.lane.generation IS 'Rises with each move; moves are compare-and-set on it.';

CREATE TABLE attune.leader (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL DEFAULT 0,
    name text,
    since timestamptz,
    seen_at timestamptz
) WITH (fillfactor = 20);
INSERT INTO attune.leader DEFAULT VALUES;
COMMENT ON TABLE attune.leader IS 'The scheduler in charge. Each of its writes carries the epoch: a deposed leader writes nothing.';

CREATE TABLE attune.campaign (
    campaign_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL REFERENCES attune.tenant ON DELETE CASCADE,
    base_id int NOT NULL REFERENCES attune.base,
    kind_id smallint NOT NULL REFERENCES attune.kind,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused', 'cancelled', 'completed')),
    reason text,
    cursor_uid bigint NOT NULL DEFAULT 0,
    fed bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by name NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX campaign_open ON attune.campaign (tenant_id, base_id) WHERE state IN ('running', 'paused');
COMMENT ON TABLE attune.campaign IS 'Re-adaptation of a tenant''s users under a base: a cursor over users, not a job a user. Fed in bounded steps.';
COMMENT ON COLUMN attune.campaign.cursor_uid IS 'Users up to this uid have been fed.';
COMMENT ON COLUMN attune.campaign.reason IS 'Why it is paused or cancelled.';
