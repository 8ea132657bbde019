-- How long history is kept, the partitions it is kept in, and how far upkeep has come.
ALTER TABLE attune.setting
    ADD history_days int NOT NULL DEFAULT 30 CHECK (history_days BETWEEN 1 AND 3650),
    ADD closed_hours int NOT NULL DEFAULT 24 CHECK (closed_hours BETWEEN 1 AND 87600);
COMMENT ON COLUMN attune.setting.history_days IS 'How long a job, its outcome and its tries are kept after it has ended, at least; an eighth of it later they are gone. Revisions that no pointer names are kept as long, for rollback.';
COMMENT ON COLUMN attune.setting.closed_hours IS 'How long a closed chunk is kept after its last claim: a worker that lost the reply to its publish may still ask.';

CREATE TABLE attune.history_part (
    first_chunk bigint PRIMARY KEY,
    end_chunk bigint NOT NULL CHECK (end_chunk > first_chunk),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    used_at timestamptz,
    passed_at timestamptz,
    passed_ids bigint,
    passed_xid xid8,
    passed_by text[],
    closed_at timestamptz,
    cutoff timestamptz,
    walked_to bigint,
    stragglers int NOT NULL DEFAULT 0,
    copied xid8,
    next_try_at timestamptz,
    note text
);
COMMENT ON TABLE attune.history_part IS 'The partitions of job and outcome that exist: one row a pair. They are dropped oldest first; what of them must live on is carried in attune.job_carry and attune.outcome_carry, the partitions of everything below.';
COMMENT ON COLUMN attune.history_part.end_chunk IS 'Chunk ids from first_chunk up to, not including, this; job ids are 1,024 times that.';
COMMENT ON COLUMN attune.history_part.used_at IS 'When the first id of it was seen in use.';
COMMENT ON COLUMN attune.history_part.passed_at IS 'When the sequence had passed it: no new transaction takes an id of it.';
COMMENT ON COLUMN attune.history_part.passed_ids IS 'How many of its chunk ids were used: the next partition''s size follows from it.';
COMMENT ON COLUMN attune.history_part.passed_xid IS 'A transaction of that moment, and in passed_by those that held the sequence: until all of them have ended, rows may still come.';
COMMENT ON COLUMN attune.history_part.closed_at IS 'When the last of them had ended: nothing is inserted any more but outcomes of jobs that are there.';
COMMENT ON COLUMN attune.history_part.cutoff IS 'Jobs that ended before this are dropped with it; null until it is being looked through.';
COMMENT ON COLUMN attune.history_part.walked_to IS 'Jobs up to this id have been looked at, and those that must live on copied.';
COMMENT ON COLUMN attune.history_part.stragglers IS 'How many that were.';
COMMENT ON COLUMN attune.history_part.copied IS 'The transaction that copied last: no snapshot may be older when the copies take the place of the originals.';
COMMENT ON COLUMN attune.history_part.next_try_at IS 'Not touched before this.';
COMMENT ON COLUMN attune.history_part.note IS 'Why it is not dropped although it is due.';

-- What is there already: partition n held chunk ids n * 2^20 to (n + 1) * 2^20 - 1.
INSERT INTO attune.history_part (first_chunk, end_chunk)
SELECT p.n * 1048576, (p.n + 1) * 1048576
FROM (
    SELECT substr(c.relname, 10)::bigint AS n FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'attune.outcome'::regclass AND c.relname ~ '^outcome_p[0-9]+$'
) AS p;

CREATE TABLE attune.id_mark (
    at timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
    next_chunk bigint NOT NULL
);
COMMENT ON TABLE attune.id_mark IS 'Which chunk id was next at a time, every tenth of closed_hours: chunks above it are younger, and need not be looked at to know it.';

CREATE TABLE attune.upkeep (
    duty text PRIMARY KEY,
    position bigint NOT NULL DEFAULT -1,
    removed bigint NOT NULL DEFAULT 0,
    passes bigint NOT NULL DEFAULT 0,
    pass_began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stepped_at timestamptz
) WITH (fillfactor = 20);
INSERT INTO attune.upkeep (duty) VALUES ('chunks'), ('attempts'), ('workers'), ('objects'), ('revisions');
COMMENT ON TABLE attune.upkeep IS 'How far each duty of the leader has come through its table: a step goes on behind the last, so that it reads nothing that is dead already.';
COMMENT ON COLUMN attune.upkeep.position IS 'Rows up to this id have been looked at in this pass.';
COMMENT ON COLUMN attune.upkeep.removed IS 'Rows removed so far.';
COMMENT ON COLUMN attune.upkeep.passes IS 'Passes through the table completed.';

CREATE INDEX object_deleted ON attune.object (object_id) WHERE state = 2;

CREATE TABLE attune.health_check (
    name text PRIMARY KEY,
    unit text NOT NULL,
    worse text NOT NULL DEFAULT 'above' CHECK (worse IN ('above', 'below')),
    warn_at double precision NOT NULL,
    bad_at double precision NOT NULL,
    passes text NOT NULL
);
INSERT INTO attune.health_check (name, unit, worse, warn_at, bad_at, passes) VALUES
    ('workers', 's', 'above', 0, 0, 'workers live'),
    ('leases', 'chunks', 'above', 0, 100, 'no chunk is held by a worker whose lease has run out'),
    ('lanes', 's', 'above', 30, 300, 'every lane with work has a live owner'),
    ('recipes', 'chunks', 'above', 0, 'Infinity', 'no chunk waits for an active base or recipe'),
    ('discarded', 'jobs', 'above', 0, 1000, 'no job was discarded within the hour'),
    ('clocks', 's', 'above', 1, 60, 'workers'' clocks agree with the database''s'),
    ('pooler', '', 'above', 0, 0, 'the scheduler''s connection is direct'),
    ('xmin', 's', 'above', 300, 3600, 'no transaction pins xmin'),
    ('prepared', 's', 'above', 60, 3600, 'no prepared transaction is left behind'),
    ('slots', 'transactions', 'above', 1000000, 50000000, 'no replication slot pins xmin'),
    ('wal', 'MB', 'above', 1024, 10240, 'no replication slot holds back WAL'),
    ('idle', 's', 'above', 60, 600, 'no session is idle in a transaction'),
    ('feed', 's', 'above', 60, 600, 'attune.outcomes_since is up to date'),
    ('dead_prefix', 'pages', 'above', 200, 2000, 'a claim finds its lane''s head at once'),
    ('bloat', 'times', 'above', 4, 20, 'hot tables and their indexes are no larger than they need to be'),
    ('statistics', 'times', 'above', 10, 'Infinity', 'statistics of hot tables are fresh'),
    ('autovacuum', 'times', 'above', 5, 50, 'autovacuum keeps up'),
    ('partitions', 'chunk ids', 'below', 1500000, 100000, 'partitions reach far enough ahead'),
    ('history', 'days', 'above', 1, 7, 'history goes when it is due'),
    ('connections', 'share', 'above', 0.8, 0.95, 'connections are left'),
    ('durability', '', 'above', 0, 'Infinity', 'commits survive a crash of the server'),
    ('monitoring', '', 'above', 0, 'Infinity', 'other sessions are visible to these checks');
COMMENT ON TABLE attune.health_check IS 'What the leader checks every 30 s, and its limits; change them with UPDATE.';
COMMENT ON COLUMN attune.health_check.worse IS 'Whether values above or below the limits are worth a word.';
COMMENT ON COLUMN attune.health_check.passes IS 'What to say when nothing was found.';

CREATE TABLE attune.finding (
    name text NOT NULL REFERENCES attune.health_check ON UPDATE CASCADE ON DELETE CASCADE,
    subject text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    status text NOT NULL CHECK (status IN ('ok', 'warn', 'bad')),
    measured double precision,
    what text NOT NULL,
    if_left text,
    helps text,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    PRIMARY KEY (name, subject, since)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX finding_now ON attune.finding (name, subject) WHERE ended_at IS NULL;
CREATE INDEX finding_ended ON attune.finding (ended_at) WHERE ended_at IS NOT NULL;
COMMENT ON TABLE attune.finding IS 'What the checks found, and when it began and ended; kept for history_days after it has ended. Read attune.health for what holds now.';
COMMENT ON COLUMN attune.finding.subject IS 'What it concerns where a check can find several things: a session, a table, a tenant.';
COMMENT ON COLUMN attune.finding.since IS 'When it got this status.';
COMMENT ON COLUMN attune.finding.measured IS 'In the check''s unit; null: it could not be measured.';
COMMENT ON COLUMN attune.finding.if_left IS 'What it will do if left alone.';

CREATE TABLE attune.worker_clock (
    worker_id bigint PRIMARY KEY,
    ahead_seconds double precision NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE attune.worker_clock IS 'How far a worker''s clock is ahead of the database''s, written when that changes by more than a tenth of a second.';
