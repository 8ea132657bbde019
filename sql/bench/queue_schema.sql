-- What `attune bench queue` needs besides the queue: data made set-wise, and the plain queues that it is compared with.
CREATE SCHEMA bench;
CREATE EXTENSION pg_walinspect SCHEMA bench;

-- Tenants with users, a base, a recipe and lanes: the first tenant is large, the others are small. Users have no
-- examples, so that no job is covered by an earlier one.
CREATE FUNCTION bench.prepare(tenants int, users int, small_users int, lanes int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE attune.setting SET lease_seconds = 3600, deadline_seconds = 3600;
    INSERT INTO attune.base (digest, name, width) VALUES (repeat('a', 64), 'bench', 384);
    INSERT INTO attune.recipe (base_id, kind_id, digest, name, byte_count) VALUES (1, 1, repeat('b', 64), 'bench', 1);
    PERFORM attune.create_tenant('bench-' || n) FROM generate_series(1, tenants) AS n;
    PERFORM attune.promote('bench-' || n, 'bench'), attune.activate_recipe('bench-' || n, repeat('b', 64))
    FROM generate_series(1, tenants) AS n;
    INSERT INTO bench.member (tenant_id, first_uid, users)
    SELECT n, CASE n WHEN 1 THEN 1 ELSE users + 1 + (n - 2) * small_users END, CASE n WHEN 1 THEN users ELSE small_users END
    FROM generate_series(1, tenants) AS n;
    -- One more, whose jobs are parked.
    PERFORM attune.create_tenant('bench-paused'), attune.pause('bench-paused');
    INSERT INTO bench.member (tenant_id, first_uid, users) VALUES (tenants + 1, users + 1 + (tenants - 1) * small_users, small_users);
    INSERT INTO attune."user" (tenant_id, user_id)
    SELECT m.tenant_id, 'u-' || n FROM bench.member m, generate_series(0, m.users - 1) AS n ORDER BY m.tenant_id, n;
    PERFORM attune.set_lanes(lanes);
    ANALYZE attune."user";
END
$$;

-- Which uids are whose.
CREATE TABLE bench.member (tenant_id int PRIMARY KEY, first_uid bigint NOT NULL, users int NOT NULL);

-- Empty queues. Pointers of all users are there, as after a first adaptation that was kept.
CREATE FUNCTION bench.reset() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE attune.chunk, attune.job, attune.outcome, attune.attempt_log, attune.pointer, attune.revision, attune.object,
        attune.object_slot, bench.job, bench.user_job, bench.lease, bench.outcome, bench.delivery;
    INSERT INTO attune.pointer (uid, base_id, tenant_id, number, recipe_id, judged_through)
    SELECT u.uid, 1, u.tenant_id, 0, 1, 0 FROM attune."user" u;
END
$$;

-- Waiting chunks, one tenant after the other, spread over the lanes as bulks are. Jobs of one claim are of distinct users.
-- state 0 waits, 2 is deferred for a day, 3 is parked: those are the paused tenant's.
CREATE FUNCTION bench.seed(chunks int, jobs_each int, tenants int, chunk_state int DEFAULT 0) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_key bigint := (SELECT last_value * 1000 FROM attune.chunk_id_seq);
    v_small int := (SELECT min(m.users) FROM bench.member m);
BEGIN
    PERFORM attune.add_partitions(1, chunks);
    WITH w AS MATERIALIZED (
        SELECT nextval('attune.chunk_id_seq') AS id, n - 1 AS n,
            CASE chunk_state WHEN 3 THEN (SELECT max(m.tenant_id) FROM bench.member m) ELSE 1 + (n - 1) % tenants END AS tenant,
            (n - 1) / tenants * jobs_each AS first
        FROM generate_series(1, chunks) AS n
    ), cut AS (
        INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, state, job_count, cost_ms, run_at)
        SELECT w.id, v_key + w.n * 1000, attune.lane_for(w.id), w.tenant, f.flow_id, 1, chunk_state, jobs_each, jobs_each,
            CASE chunk_state WHEN 2 THEN clock_timestamp() + interval '1 day' END
        FROM w JOIN attune.flow f ON f.tenant_id = w.tenant AND f.name = 'bulk'
    )
    INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms, payload)
    SELECT w.id * 1024 + o, m.first_uid + (w.first + o) % CASE tenants WHEN 1 THEN m.users ELSE v_small END, w.tenant, f.flow_id, 1, 1,
        decode(repeat('61', 54), 'hex')
    FROM w JOIN bench.member m ON m.tenant_id = w.tenant JOIN attune.flow f ON f.tenant_id = w.tenant AND f.name = 'bulk'
    CROSS JOIN generate_series(0, jobs_each - 1) AS o;
END
$$;

-- Ceiling 1: one row a job, with the columns and the two indexes that any queue table needs.
CREATE TABLE bench.job (
    job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane int NOT NULL,
    sort_key bigint NOT NULL,
    user_id text NOT NULL,
    state smallint NOT NULL DEFAULT 0,
    attempt int NOT NULL DEFAULT 0,
    worker_id int,
    token uuid,
    lease_until timestamptz,
    enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload bytea
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX job_claim ON bench.job (lane, sort_key, job_id) WHERE state = 0;

-- The same with what the queue has besides: the user's number instead of a name, and a way to the jobs of a user, which
-- erasure needs.
CREATE TABLE bench.user_job (LIKE bench.job INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
ALTER TABLE bench.user_job DROP user_id, ADD uid bigint NOT NULL;
CREATE INDEX user_job_user ON bench.user_job (uid);

-- Ceiling 2: one lease row for a hundred jobs.
CREATE TABLE bench.lease (
    lease_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane int NOT NULL,
    sort_key bigint NOT NULL,
    state smallint NOT NULL DEFAULT 0,
    attempt int NOT NULL DEFAULT 0,
    worker_id int,
    token uuid,
    lease_until timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lease_claim ON bench.lease (lane, sort_key, lease_id) WHERE state = 0;

CREATE TABLE bench.outcome (
    job_id bigint PRIMARY KEY,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker_id int,
    ending smallint NOT NULL
);

-- Claims made before a publish is timed, with the arguments that the publish takes.
CREATE TABLE bench.delivery (
    delivery_id int PRIMARY KEY,
    chunks bigint[] NOT NULL, attempts int[] NOT NULL, tokens uuid[] NOT NULL,
    jobs bigint[] NOT NULL, job_chunks bigint[] NOT NULL, epochs int[] NOT NULL, parents bigint[] NOT NULL, data_seqs bigint[] NOT NULL
);

CREATE FUNCTION bench.seed_plain(jobs int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE bench.job, bench.lease, bench.outcome;
    INSERT INTO bench.job (lane, sort_key, user_id, payload)
    SELECT n % 64, n, 'u-' || n, decode(repeat('61', 54), 'hex') FROM generate_series(1, jobs) AS n;
    INSERT INTO bench.lease (lane, sort_key) SELECT n % 64, n FROM generate_series(1, jobs / 100) AS n;
    ANALYZE bench.job, bench.lease;
END
$$;

CREATE FUNCTION bench.claim_all(worker bigint, jobs_each int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_made int := 0;
    v_jobs int;
    v_lane int;
BEGIN
    TRUNCATE bench.delivery;
    LOOP
        v_jobs := 0;
        FOR v_lane IN SELECT s.lane_layout * 65536 + n FROM attune.setting s, generate_series(0, s.lane_count - 1) AS n LOOP
            WITH c AS MATERIALIZED (
                SELECT * FROM attune.claim(worker, v_lane, 1e9::real, jobs_each) WHERE chunk_id IS NOT NULL
            ), j AS MATERIALIZED (
                SELECT c.chunk_id, x.* FROM c, unnest(c.job_ids, c.epochs, c.parents, c.data_seqs) AS x (id, epoch, parent, data_seq)
            )
            INSERT INTO bench.delivery
            SELECT v_made, (SELECT array_agg(chunk_id) FROM c), (SELECT array_agg(attempt) FROM c), (SELECT array_agg(token) FROM c),
                array_agg(j.id), array_agg(j.chunk_id), array_agg(j.epoch), array_agg(j.parent), array_agg(j.data_seq)
            FROM j HAVING count(*) > 0;
            IF FOUND THEN
                v_made := v_made + 1;
                v_jobs := v_jobs + 1;
            END IF;
        END LOOP;
        EXIT WHEN v_jobs = 0;
    END LOOP;
    ANALYZE bench.delivery;
    RETURN v_made;
END
$$;
