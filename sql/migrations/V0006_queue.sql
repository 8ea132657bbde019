-- Chunks, jobs, outcomes and the tries between them.
CREATE SEQUENCE attune.chunk_id_seq;
COMMENT ON SEQUENCE attune.chunk_id_seq IS 'Ids of chunks. Jobs take theirs from it too: job_id = chunk_id * 1024 + ordinal.';

CREATE TABLE attune.chunk (
    chunk_id bigint PRIMARY KEY,
    sort_key bigint NOT NULL,
    born xid8 NOT NULL DEFAULT pg_current_xact_id(),
    lane int NOT NULL,
    tenant_id int NOT NULL,
    flow_id int NOT NULL,
    campaign_id int,
    kind_id smallint NOT NULL,
    state smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
    job_count smallint NOT NULL CHECK (job_count BETWEEN 1 AND 256),
    ended_count smallint NOT NULL DEFAULT 0,
    live_count smallint NOT NULL DEFAULT 0,
    cost_ms real NOT NULL,
    attempt int NOT NULL DEFAULT 0,
    crashes smallint NOT NULL DEFAULT 0,
    waits smallint NOT NULL DEFAULT 0,
    worker_id bigint,
    token uuid,
    base_id int,
    recipe_id int,
    claimed_at timestamptz,
    deadline timestamptz,
    run_at timestamptz,
    members bigint[],
    tries smallint[],
    superseded smallint[],
    crash_workers bigint[],
    CHECK ((state = 1) <= (worker_id IS NOT NULL AND token IS NOT NULL AND base_id IS NOT NULL
        AND recipe_id IS NOT NULL AND deadline IS NOT NULL)),
    CHECK ((state = 2) = (run_at IS NOT NULL) OR state = 4),
    CHECK (members IS NULL OR (cardinality(members) = job_count AND cardinality(tries) = job_count
        AND cardinality(superseded) = job_count))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0);
CREATE INDEX chunk_claim ON attune.chunk (lane, sort_key, chunk_id) WHERE state = 0;
CREATE INDEX chunk_late ON attune.chunk (lane, born) WHERE state = 0;
CREATE INDEX chunk_leased ON attune.chunk (worker_id) WHERE state = 1;
CREATE INDEX chunk_deadline ON attune.chunk (deadline) WHERE state = 1;
CREATE INDEX chunk_deferred ON attune.chunk (run_at) WHERE state = 2;
CREATE INDEX chunk_campaign ON attune.chunk (campaign_id) WHERE state < 4 AND campaign_id IS NOT NULL;
CREATE INDEX chunk_members ON attune.chunk USING gin (members) WITH (fastupdate = off)
    WHERE state <> 4 AND members IS NOT NULL;
COMMENT ON TABLE attune.chunk IS 'The unit of lease, and the only hot row: up to 256 jobs of one tenant, kind and campaign.';
COMMENT ON COLUMN attune.chunk.sort_key IS 'Fair tag given at enqueue; claims take the smallest of a lane.';
COMMENT ON COLUMN attune.chunk.born IS 'Transaction that inserted it: a late commit below a reader''s low-water mark is found by this.';
COMMENT ON COLUMN attune.chunk.state IS '0 ready, 1 leased, 2 deferred, 3 parked, 4 closed. Closed is final: more work means a new chunk.';
COMMENT ON COLUMN attune.chunk.ended_count IS 'Jobs that got an outcome other than from the publish that closes the chunk (cancelled).';
COMMENT ON COLUMN attune.chunk.live_count IS 'Jobs that the claim handed out: that many outcomes close the chunk without a look at the rest.';
COMMENT ON COLUMN attune.chunk.attempt IS 'Rises with each claim. With chunk_id and token it fences.';
COMMENT ON COLUMN attune.chunk.crashes IS 'Leases of this lineage that ended without a word from the worker; apart from tries.';
COMMENT ON COLUMN attune.chunk.waits IS 'Times it was put off because the tenant had no active base or recipe.';
COMMENT ON COLUMN attune.chunk.token IS 'Drawn at each claim. On a closed chunk: the claim whose publish closed it, null if none did.';
COMMENT ON COLUMN attune.chunk.deadline IS 'When a holder that is alive but gets nothing done loses it.';
COMMENT ON COLUMN attune.chunk.members IS 'Job ids of a chunk made of other chunks'' jobs; null: the jobs that carry this chunk''s id.';
COMMENT ON COLUMN attune.chunk.tries IS 'Failed tries of each member.';
COMMENT ON COLUMN attune.chunk.superseded IS 'Times each member lost to another publish of its user; costs no try up to 3.';
COMMENT ON COLUMN attune.chunk.crash_workers IS 'Workers that held this lineage when it crashed.';

CREATE TABLE attune.job (
    job_id bigint NOT NULL,
    uid bigint NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id int NOT NULL,
    flow_id int NOT NULL,
    campaign_id int,
    kind_id smallint NOT NULL,
    cost_ms real NOT NULL,
    run_at timestamptz,
    retry_of bigint,
    dedup_hash bytea,
    trace text CHECK (length(trace) <= 512),
    payload bytea CHECK (length(payload) <= 65536),
    PRIMARY KEY (job_id)
) PARTITION BY RANGE (job_id);
CREATE INDEX job_user ON attune.job (uid, job_id);
COMMENT ON TABLE attune.job IS 'What was asked for: insert-only facts. How it stands is in attune.jobs.';
COMMENT ON COLUMN attune.job.job_id IS 'chunk_id * 1024 + ordinal.';
COMMENT ON COLUMN attune.job.payload IS 'Versioned bytes that Attune passes on; emptied when the user is erased.';
COMMENT ON COLUMN attune.job.retry_of IS 'The ended job that this one was made from by attune.retry.';
COMMENT ON COLUMN attune.job.trace IS 'The producer''s traceparent.';

CREATE TABLE attune.outcome (
    job_id bigint NOT NULL,
    uid bigint NOT NULL,
    chunk_id bigint NOT NULL,
    born xid8 NOT NULL DEFAULT pg_current_xact_id(),
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id int NOT NULL,
    attempt int NOT NULL,
    ending smallint NOT NULL CHECK (ending BETWEEN 1 AND 6),
    tries smallint NOT NULL,
    steps smallint,
    rows smallint,
    examples int,
    stored_bytes int,
    loss_before real,
    loss_after real,
    fetch_ms int,
    adapt_ms int,
    encode_ms int,
    upload_ms int,
    worker_id bigint,
    claimed_at timestamptz,
    revision_id bigint,
    merged_into bigint,
    error_class text,
    message text,
    PRIMARY KEY (job_id)
) PARTITION BY RANGE (job_id);
CREATE INDEX outcome_feed ON attune.outcome (tenant_id, born, job_id);
CREATE INDEX outcome_recent ON attune.outcome USING brin (finished_at) WITH (pages_per_range = 32);
COMMENT ON TABLE attune.outcome IS 'How a job ended: one row a job, once, for ever. Whoever writes one has locked the job''s chunk.';
COMMENT ON COLUMN attune.outcome.ending IS '1 completed, 2 kept, 3 merged, 4 covered, 5 cancelled, 6 discarded.';
COMMENT ON COLUMN attune.outcome.born IS 'Transaction that ended the job: the order in which attune.outcomes_since tells of it.';
COMMENT ON COLUMN attune.outcome.loss_before IS 'Mean held-out loss of the start, in nats an example.';
COMMENT ON COLUMN attune.outcome.loss_after IS 'Mean held-out loss of what was adapted, in nats an example.';
COMMENT ON COLUMN attune.outcome.rows IS 'Rows that the gate let change.';
COMMENT ON COLUMN attune.outcome.revision_id IS 'The revision that it made, or that already covered its data.';
COMMENT ON COLUMN attune.outcome.merged_into IS 'The newer job of the same user that took its place.';

CREATE TABLE attune.attempt_log (
    log_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL,
    chunk_id bigint NOT NULL,
    attempt int NOT NULL,
    job_id bigint,
    worker_id bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_at timestamptz,
    error_class text NOT NULL,
    message text,
    tries smallint,
    runs_again_at timestamptz
);
CREATE INDEX attempt_log_job ON attune.attempt_log (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX attempt_log_class ON attune.attempt_log (error_class, at);
COMMENT ON TABLE attune.attempt_log IS 'Tries that did not end a job: what happened, and when it runs again. Insert-only.';
COMMENT ON COLUMN attune.attempt_log.job_id IS 'Null where it concerns the whole chunk.';
COMMENT ON COLUMN attune.attempt_log.error_class IS 'Stable class: the worker''s, or lease_expired, deadline_passed, superseded, handed_back, snoozed, no_active_base, no_active_recipe, object_collected.';

CREATE TABLE attune.dedup (
    tenant_id int NOT NULL,
    key_hash bytea NOT NULL CHECK (length(key_hash) = 32),
    payload_hash bytea NOT NULL CHECK (length(payload_hash) = 32),
    job_id bigint NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key_hash)
);
CREATE INDEX dedup_expires ON attune.dedup (expires);
COMMENT ON TABLE attune.dedup IS 'Dedup keys in use: at most one job a key until that job has ended and setting.dedup_days have passed.';
COMMENT ON COLUMN attune.dedup.expires IS 'Not looked at again before this time.';
