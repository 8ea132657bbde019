CREATE OR REPLACE FUNCTION attune.enqueue(
    tenant text, user_id text, flow text DEFAULT 'interactive', kind text DEFAULT 'adapt', payload bytea DEFAULT NULL,
    dedup_key text DEFAULT NULL, run_at timestamptz DEFAULT NULL, cost_ms real DEFAULT NULL, trace text DEFAULT NULL,
    priority int DEFAULT 0
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_uid bigint := attune.require_user(tenant, v_tenant, enqueue.user_id);
    v_chunk bigint := nextval('attune.chunk_id_seq');
    v_job bigint := v_chunk * 1024;
    v_flow int;
    v_kind smallint;
    v_key bytea := sha256(convert_to(enqueue.dedup_key, 'UTF8'));
    v_same bytea := attune.dedup_payload_hash(v_uid, enqueue.kind, enqueue.payload);
    v_held record;
    v_deferred boolean := coalesce(enqueue.run_at > clock_timestamp(), false);
    v_cost real;
    v_bonus bigint := 0;
BEGIN
    SELECT f.flow_id INTO v_flow FROM attune.flow f WHERE f.tenant_id = v_tenant AND f.name = enqueue.flow;
    SELECT k.kind_id INTO v_kind FROM attune.kind k WHERE k.name = enqueue.kind;
    SELECT coalesce(enqueue.cost_ms, s.job_cost_ms * attune.cost_share(u.data_seq)) INTO v_cost
    FROM attune.setting s, attune."user" u WHERE u.uid = v_uid;
    PERFORM attune.check_job(tenant, enqueue.user_id, enqueue.flow, v_flow, enqueue.kind, v_kind, enqueue.payload,
        enqueue.dedup_key, v_cost);
    IF enqueue.priority IS DISTINCT FROM 0 THEN
        v_bonus := attune.priority_bonus(v_flow, enqueue.priority);
        IF v_bonus IS NULL THEN
            PERFORM attune.refuse('bad_priority', tenant || '/' || enqueue.user_id,
                format('no priority %s', coalesce(enqueue.priority::text, 'null')), 'SELECT priority_bonus FROM attune.setting');
        END IF;
    END IF;
    WHILE v_key IS NOT NULL LOOP
        INSERT INTO attune.dedup (tenant_id, key_hash, payload_hash, job_id, expires)
        SELECT v_tenant, v_key, v_same, v_job, clock_timestamp() + make_interval(days => s.dedup_days) FROM attune.setting s
        ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        SELECT d.job_id, d.payload_hash INTO v_held FROM attune.dedup d WHERE d.tenant_id = v_tenant AND d.key_hash = v_key;
        CONTINUE WHEN NOT FOUND;  -- it expired in between
        IF v_held.payload_hash <> v_same THEN
            PERFORM attune.refuse('dedup_conflict', tenant || '/' || enqueue.user_id,
                format('key %s belongs to job %s with another payload', left(enqueue.dedup_key, 40), v_held.job_id),
                'use a new key, or cancel that job first');
        END IF;
        RETURN v_held.job_id;
    END LOOP;
    -- A deferred job takes its place in the flow when its time comes; till then its key is its bonus.
    INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, state, job_count, cost_ms, run_at)
    VALUES (v_chunk, CASE WHEN v_deferred THEN 0 ELSE attune.fair_tag(v_flow, 1) END - v_bonus,
        attune.lane_for(hashint8(v_uid)::bigint & 2147483647), v_tenant, v_flow, v_kind,
        CASE WHEN v_deferred THEN 2 ELSE 0 END, 1, v_cost, CASE WHEN v_deferred THEN enqueue.run_at END);
    INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms, run_at, dedup_hash, trace, payload)
    VALUES (v_job, v_uid, v_tenant, v_flow, v_kind, v_cost, CASE WHEN v_deferred THEN enqueue.run_at END, v_key,
        enqueue.trace, enqueue.payload);
    RETURN v_job;
END
$$;
COMMENT ON FUNCTION attune.enqueue(text, text, text, text, bytea, text, timestamptz, real, text, int) IS 'Asks for one job and returns its id, inside the caller''s own transaction. The same dedup_key again returns the same job; with another payload it is the error dedup_conflict. run_at in the future delays it. A priority (0 to 3) lets it go ahead of a bounded number of its flow''s jobs: attune.setting.priority_bonus.';
