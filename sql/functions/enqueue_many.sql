-- Chunks are cut by position, not by hashing users over lanes: that made chunks of 1.6 jobs. Duplicates and rejects are
-- taken out before the cut; a key that another transaction takes in between leaves a gap among a chunk's ordinals.
CREATE OR REPLACE FUNCTION attune.enqueue_many(
    tenant text, users text[], payloads bytea[] DEFAULT NULL, dedup_keys text[] DEFAULT NULL, traces text[] DEFAULT NULL,
    flow text DEFAULT 'bulk', kind text DEFAULT 'adapt', run_at timestamptz DEFAULT NULL, cost_ms real DEFAULT NULL,
    keep_going boolean DEFAULT false, lines_before bigint DEFAULT 0
) RETURNS TABLE (
    accepted bigint, duplicates bigint, rejected bigint, chunks bigint, first_job bigint, last_job bigint,
    rejected_lines bigint[], rejected_classes text[]
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_material = off AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_flow int;
    v_weight real;
    v_kind smallint;
    v_cost real;
    v_each int;
    v_days int;
    v_run_at timestamptz := CASE WHEN enqueue_many.run_at > clock_timestamp() THEN enqueue_many.run_at END;
    v_uids bigint[];
    v_errors text[];
    v_keys bytea[];
    v_same bytea[];
    v_take boolean[];
    v_ids bigint[];
    v_jobs bigint[];
    v_bad_count bigint;
    v_layout int;
    v_lanes int;
    v_tag bigint;
BEGIN
    SELECT f.flow_id, f.weight INTO v_flow, v_weight FROM attune.flow f WHERE f.tenant_id = v_tenant AND f.name = enqueue_many.flow;
    SELECT k.kind_id INTO v_kind FROM attune.kind k WHERE k.name = enqueue_many.kind;
    SELECT coalesce(enqueue_many.cost_ms, s.job_cost_ms), s.dedup_days INTO v_cost, v_days FROM attune.setting s;
    PERFORM attune.check_job(tenant, 'bulk', enqueue_many.flow, v_flow, enqueue_many.kind, v_kind, NULL, NULL, v_cost);
    -- The lane is attune.lane_for(chunk_id), without a call for each chunk.
    SELECT greatest(1, least(s.chunk_jobs, floor(s.chunk_cost_ms / v_cost)))::int, s.lane_layout, s.lane_count
    INTO v_each, v_layout, v_lanes FROM attune.setting s;

    SELECT array_agg(d.uid), array_agg(d.error_class), count(d.error_class) INTO v_uids, v_errors, v_bad_count
    FROM (
        SELECT u.uid, CASE WHEN u.uid IS NULL THEN 'unknown_user' WHEN length(i.payload) > 65536 THEN 'payload_too_long'
            WHEN i.dedup_key = '' OR length(i.dedup_key) > 1000 THEN 'bad_dedup_key' WHEN length(i.trace) > 512 THEN 'bad_trace'
            END AS error_class
        FROM unnest(users, payloads, dedup_keys, traces) WITH ORDINALITY AS i (user_id, payload, dedup_key, trace, pos)
        LEFT JOIN attune."user" u ON u.tenant_id = v_tenant AND u.user_id = i.user_id
        ORDER BY i.pos
    ) AS d;
    -- v_take stays null where every row is: as a rule.
    IF v_bad_count > 0 THEN
        v_take := ARRAY(SELECT e.error_class IS NULL FROM unnest(v_errors) WITH ORDINALITY AS e (error_class, pos) ORDER BY e.pos);
    END IF;
    -- A key that is taken, here or by an earlier line, is the same job again, or with another payload an error.
    IF cardinality(array_remove(dedup_keys, NULL)) > 0 THEN
        SELECT array_agg(d.key_hash ORDER BY d.pos), array_agg(d.payload_hash ORDER BY d.pos),
            array_agg(d.error_class ORDER BY d.pos), array_agg(d.error_class IS NULL AND NOT d.is_held ORDER BY d.pos)
        INTO v_keys, v_same, v_errors, v_take
        FROM (
            SELECT n.pos, n.key_hash, n.payload_hash, coalesce(n.error_class,
                CASE WHEN coalesce(h.payload_hash, n.first_hash) <> n.payload_hash THEN 'dedup_conflict' END) AS error_class,
                n.key_hash IS NOT NULL AND (n.nth > 1 OR h.job_id IS NOT NULL) AS is_held
            FROM (
                SELECT m.*, row_number() OVER same AS nth, first_value(m.payload_hash) OVER same AS first_hash
                FROM (
                    SELECT i.pos, i.error_class, sha256(convert_to(i.dedup_key, 'UTF8')) AS key_hash,
                        CASE WHEN i.dedup_key IS NOT NULL
                            THEN attune.dedup_payload_hash(i.uid, enqueue_many.kind, i.payload) END AS payload_hash
                    FROM unnest(v_uids, payloads, dedup_keys, v_errors) WITH ORDINALITY AS i (uid, payload, dedup_key, error_class, pos)
                ) AS m
                WINDOW same AS (PARTITION BY m.key_hash, m.error_class IS NULL ORDER BY m.pos)
            ) AS n
            LEFT JOIN attune.dedup h ON h.tenant_id = v_tenant AND h.key_hash = n.key_hash
        ) AS d;
    END IF;

    rejected := 0;
    IF v_take IS NOT NULL THEN
        SELECT array_agg(e.pos + lines_before ORDER BY e.pos), array_agg(e.error_class ORDER BY e.pos), count(*)
        INTO rejected_lines, rejected_classes, rejected
        FROM unnest(v_errors) WITH ORDINALITY AS e (error_class, pos) WHERE e.error_class IS NOT NULL;
    END IF;
    IF rejected > 0 AND NOT keep_going THEN
        PERFORM attune.refuse(rejected_classes[1], format('%s: row %s', tenant, rejected_lines[1]),
            'the job cannot be accepted; nothing was enqueued', 'correct it, or pass keep_going => true and see which rows were rejected');
    END IF;

    accepted := coalesce(cardinality(CASE WHEN v_take IS NULL THEN v_uids ELSE array_positions(v_take, true) END), 0);
    duplicates := 0;
    chunks := (accepted + v_each - 1) / v_each;
    IF accepted > 0 THEN
        -- Asked here first: a call for nothing takes as long as thirty rows.
        IF coalesce((SELECT max(h.end_chunk) FROM attune.history_part h), 0)
            <= (SELECT q.last_value + chunks + 1048576 FROM attune.chunk_id_seq q) THEN
            PERFORM attune.add_partitions(1, chunks);
        END IF;
        SELECT array_agg(nextval('attune.chunk_id_seq')) INTO v_ids FROM generate_series(1, chunks);
        -- Where all are taken, ids follow from the position alone and v_jobs stays null.
        IF v_take IS NOT NULL THEN
            SELECT array_agg(CASE WHEN t.take THEN v_ids[(t.nth - 1) / v_each + 1] * 1024 + (t.nth - 1) % v_each END ORDER BY t.pos)
            INTO v_jobs
            FROM (
                SELECT i.pos, i.take, count(*) FILTER (WHERE i.take) OVER (ORDER BY i.pos ROWS UNBOUNDED PRECEDING) AS nth
                FROM unnest(v_take) WITH ORDINALITY AS i (take, pos)
            ) AS t;
        END IF;
        IF v_keys IS NOT NULL THEN
            WITH won AS MATERIALIZED (
                INSERT INTO attune.dedup (tenant_id, key_hash, payload_hash, job_id, expires)
                SELECT v_tenant, i.key_hash, i.payload_hash, i.job_id, clock_timestamp() + make_interval(days => v_days)
                FROM unnest(v_keys, v_same, v_jobs) AS i (key_hash, payload_hash, job_id)
                WHERE i.key_hash IS NOT NULL AND i.job_id IS NOT NULL ORDER BY i.key_hash
                ON CONFLICT DO NOTHING RETURNING job_id
            )
            SELECT array_agg(CASE WHEN i.key_hash IS NULL OR i.job_id IN (SELECT w.job_id FROM won w) THEN i.job_id END ORDER BY i.pos)
            INTO v_jobs FROM unnest(v_keys, v_jobs) WITH ORDINALITY AS i (key_hash, job_id, pos);
        END IF;
        INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms, run_at, dedup_hash, trace, payload)
        SELECT CASE WHEN v_jobs IS NULL THEN v_ids[(i.pos - 1) / v_each + 1] * 1024 + (i.pos - 1) % v_each ELSE i.job_id END,
            i.uid, v_tenant, v_flow, v_kind, v_cost, v_run_at, i.key_hash, i.trace, i.payload
        FROM unnest(v_jobs, v_uids, v_keys, traces, payloads) WITH ORDINALITY AS i (job_id, uid, key_hash, trace, payload, pos)
        WHERE v_jobs IS NULL OR i.job_id IS NOT NULL;
        -- Deferred jobs take their place in the flow when their time comes.
        v_tag := CASE WHEN v_run_at IS NULL THEN attune.fair_tag(v_flow, accepted) END;
        WITH cut AS (
            SELECT p.chunk_id, n.jobs, p.chunk_id * 1024 AS first, p.chunk_id * 1024 + n.jobs - 1 AS last
            FROM unnest(CASE WHEN v_jobs IS NULL THEN v_ids END) WITH ORDINALITY AS p (chunk_id, pos)
            CROSS JOIN LATERAL (SELECT least(v_each, accepted - (p.pos - 1) * v_each) AS jobs) AS n
            UNION ALL
            SELECT j.id >> 10, count(*), min(j.id), max(j.id) FROM unnest(v_jobs) AS j (id) WHERE j.id IS NOT NULL GROUP BY 1
        ), inserted AS (
            INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, state, job_count, cost_ms, run_at)
            SELECT c.chunk_id, coalesce(v_tag + ((p.pos - 1) * v_each * 1000.0 / v_weight)::bigint, 0), v_layout * 65536 + (c.chunk_id % v_lanes)::int,
                v_tenant, v_flow, v_kind, CASE WHEN v_run_at IS NULL THEN 0 ELSE 2 END, c.jobs, c.jobs * v_cost, v_run_at
            FROM unnest(v_ids) WITH ORDINALITY AS p (chunk_id, pos) JOIN cut c ON c.chunk_id = p.chunk_id
        )
        SELECT coalesce(sum(c.jobs), 0), count(*), min(c.first), max(c.last) INTO accepted, chunks, first_job, last_job FROM cut c;
    END IF;
    duplicates := coalesce(cardinality(users), 0) - rejected - accepted;
    rejected_lines := coalesce(rejected_lines, '{}');
    rejected_classes := coalesce(rejected_classes, '{}');
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.enqueue_many(text, text[], bytea[], text[], text[], text, text, timestamptz, real, boolean, bigint) IS 'Enqueues many jobs of one tenant, flow and kind in one statement: arrays of the same length, null where none has a payload, key or trace. Counts what was accepted, already there under its dedup key, and rejected. With keep_going, rejected rows are left out and named by line (from 1, after lines_before) and error class; else the first one is an error. For more than some thousand jobs a call, see attune.bulk_begin.';
