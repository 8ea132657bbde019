-- Chunks are cut by position, not by hashing users over lanes: that made chunks of 1.6 jobs. Duplicates and rejects are
-- taken out before the cut; a key that another transaction takes in between leaves a gap among a chunk's ordinals.
CREATE OR REPLACE FUNCTION attune.bulk_commit(
    tenant text, flow text DEFAULT 'bulk', kind text DEFAULT 'adapt', run_at timestamptz DEFAULT NULL, cost_ms real DEFAULT NULL,
    keep_going boolean DEFAULT false
) RETURNS TABLE (accepted bigint, duplicates bigint, rejected bigint, chunks bigint, first_job bigint, last_job bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_flow int;
    v_weight real;
    v_kind smallint;
    v_cost real;
    v_each int;
    v_ids bigint[];
    v_tag bigint;
    v_run_at timestamptz := CASE WHEN bulk_commit.run_at > clock_timestamp() THEN bulk_commit.run_at END;
    v_keyed boolean;
    v_bad record;
    v_days int;
BEGIN
    PERFORM attune.require_staging('attune_bulk', 'attune.bulk_begin()');
    SELECT f.flow_id, f.weight INTO v_flow, v_weight FROM attune.flow f WHERE f.tenant_id = v_tenant AND f.name = bulk_commit.flow;
    SELECT k.kind_id INTO v_kind FROM attune.kind k WHERE k.name = bulk_commit.kind;
    SELECT coalesce(bulk_commit.cost_ms, s.job_cost_ms), s.dedup_days INTO v_cost, v_days FROM attune.setting s;
    PERFORM attune.check_job(tenant, 'bulk', bulk_commit.flow, v_flow, bulk_commit.kind, v_kind, NULL, NULL, v_cost);
    SELECT greatest(1, least(s.chunk_jobs, floor(s.chunk_cost_ms / v_cost)))::int INTO v_each FROM attune.setting s;

    CREATE TEMPORARY TABLE attune_bulk_job ON COMMIT DROP AS
    SELECT r.line, u.uid, r.payload, r.trace, sha256(convert_to(r.dedup_key, 'UTF8')) AS key_hash,
        CASE WHEN r.dedup_key IS NOT NULL THEN attune.dedup_payload_hash(u.uid, bulk_commit.kind, r.payload) END AS payload_hash,
        NULL::bigint AS held_by, NULL::bigint AS job_id,
        CASE WHEN u.uid IS NULL THEN 'unknown_user' WHEN length(r.payload) > 65536 THEN 'payload_too_long'
            WHEN r.dedup_key = '' OR length(r.dedup_key) > 1000 THEN 'bad_dedup_key' WHEN length(r.trace) > 512 THEN 'bad_trace'
        END AS error_class
    FROM (SELECT row_number() OVER () AS line, s.* FROM pg_temp.attune_bulk s) AS r
    LEFT JOIN attune."user" u ON u.tenant_id = v_tenant AND u.user_id = r.user_id;
    v_keyed := EXISTS (SELECT FROM pg_temp.attune_bulk_job b WHERE b.key_hash IS NOT NULL);
    IF v_keyed THEN
        UPDATE pg_temp.attune_bulk_job b SET held_by = coalesce(d.job_id, 0),
            error_class = coalesce(b.error_class,
                CASE WHEN coalesce(d.payload_hash, e.first_hash) <> b.payload_hash THEN 'dedup_conflict' END)
        FROM (
            SELECT n.line, row_number() OVER same AS nth, first_value(n.payload_hash) OVER same AS first_hash
            FROM pg_temp.attune_bulk_job n WHERE n.key_hash IS NOT NULL AND n.error_class IS NULL
            WINDOW same AS (PARTITION BY n.key_hash ORDER BY n.line)
        ) AS e JOIN pg_temp.attune_bulk_job k ON k.line = e.line
        LEFT JOIN attune.dedup d ON d.tenant_id = v_tenant AND d.key_hash = k.key_hash
        WHERE b.line = e.line AND (e.nth > 1 OR d.job_id IS NOT NULL);
    END IF;

    SELECT b.line, b.error_class INTO v_bad FROM pg_temp.attune_bulk_job b WHERE b.error_class IS NOT NULL ORDER BY b.line LIMIT 1;
    IF FOUND AND NOT keep_going THEN
        PERFORM attune.refuse(v_bad.error_class, format('%s: row %s', tenant, v_bad.line),
            'the job cannot be accepted; nothing was enqueued',
            'correct it, or pass keep_going => true and read pg_temp.attune_rejected');
    ELSIF FOUND THEN
        CREATE TEMPORARY TABLE attune_rejected ON COMMIT DROP AS
        SELECT b.line, b.error_class FROM pg_temp.attune_bulk_job b WHERE b.error_class IS NOT NULL;
        EXECUTE format('GRANT SELECT ON pg_temp.attune_rejected TO %I', attune.caller());
    END IF;

    -- Ids and positions for what is to be inserted.
    SELECT count(*) FILTER (WHERE b.error_class IS NOT NULL), count(*) FILTER (WHERE b.error_class IS NULL AND b.held_by IS NULL),
        count(*) FILTER (WHERE b.error_class IS NULL AND b.held_by IS NOT NULL)
    INTO rejected, accepted, duplicates FROM pg_temp.attune_bulk_job b;
    chunks := (accepted + v_each - 1) / v_each;
    IF accepted > 0 THEN
        PERFORM attune.add_partitions(1, chunks);
        SELECT array_agg(nextval('attune.chunk_id_seq')) INTO v_ids FROM generate_series(1, chunks);
        IF v_keyed THEN
            UPDATE pg_temp.attune_bulk_job b SET job_id = v_ids[(n.nth - 1) / v_each + 1] * 1024 + (n.nth - 1) % v_each
            FROM (SELECT m.line, row_number() OVER (ORDER BY m.line) AS nth FROM pg_temp.attune_bulk_job m
                WHERE m.error_class IS NULL AND m.held_by IS NULL) AS n
            WHERE b.line = n.line;
            WITH won AS (
                INSERT INTO attune.dedup (tenant_id, key_hash, payload_hash, job_id, expires)
                SELECT v_tenant, b.key_hash, b.payload_hash, b.job_id, clock_timestamp() + make_interval(days => v_days)
                FROM pg_temp.attune_bulk_job b WHERE b.job_id IS NOT NULL AND b.key_hash IS NOT NULL ORDER BY b.key_hash
                ON CONFLICT DO NOTHING RETURNING key_hash
            )
            UPDATE pg_temp.attune_bulk_job b SET job_id = NULL, held_by = 0
            WHERE b.job_id IS NOT NULL AND b.key_hash IS NOT NULL AND NOT EXISTS (SELECT FROM won w WHERE w.key_hash = b.key_hash);
        END IF;
        -- Deferred jobs take their place in the flow when their time comes.
        v_tag := CASE WHEN v_run_at IS NULL THEN attune.fair_tag(v_flow, accepted) END;
        WITH numbered AS (
            SELECT CASE WHEN v_keyed THEN b.job_id ELSE v_ids[(n.nth - 1) / v_each + 1] * 1024 + (n.nth - 1) % v_each END AS job_id,
                b.uid, b.payload, b.key_hash, b.trace
            FROM (SELECT m.*, row_number() OVER () AS nth FROM pg_temp.attune_bulk_job m
                WHERE m.error_class IS NULL AND m.held_by IS NULL) AS b
            CROSS JOIN LATERAL (SELECT b.nth) AS n
        ), jobs AS (
            INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms, run_at, dedup_hash, trace, payload)
            SELECT n.job_id, n.uid, v_tenant, v_flow, v_kind, v_cost, v_run_at, n.key_hash, n.trace, n.payload FROM numbered n
            RETURNING job_id
        ), inserted AS (
            SELECT j.job_id >> 10 AS chunk_id, count(*) AS jobs, min(j.job_id) AS first, max(j.job_id) AS last FROM jobs j GROUP BY 1
        ), cut AS (
            INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, state, job_count, cost_ms, run_at)
            SELECT i.chunk_id, coalesce(v_tag + ((p.pos - 1) * v_each * 1000.0 / v_weight)::bigint, 0), attune.lane_for(i.chunk_id), v_tenant,
                v_flow, v_kind, CASE WHEN v_run_at IS NULL THEN 0 ELSE 2 END, i.jobs, i.jobs * v_cost, v_run_at
            FROM unnest(v_ids) WITH ORDINALITY AS p (chunk_id, pos) JOIN inserted i ON i.chunk_id = p.chunk_id
        )
        SELECT coalesce(sum(i.jobs), 0), count(*), min(i.first), max(i.last) INTO accepted, chunks, first_job, last_job FROM inserted i;
        duplicates := (SELECT count(*) FROM pg_temp.attune_bulk_job b WHERE b.error_class IS NULL) - accepted;
    END IF;
    DROP TABLE pg_temp.attune_bulk_job, pg_temp.attune_bulk;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.bulk_commit(text, text, text, timestamptz, real, boolean) IS 'Enqueues everything in the temporary table of attune.bulk_begin, in the caller''s transaction; counts what was accepted, already there under its dedup key, and rejected. With keep_going, rejected rows are left out and listed in pg_temp.attune_rejected (line, error_class); else the first one is an error.';
