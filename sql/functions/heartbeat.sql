-- One update extends the lease of every chunk the worker holds. A lease that has run out and was not rescued yet goes on:
-- the fence, not the lease, decides what may be published.
--
-- Speed is learnt from spans in which the worker had work in hand at least half of the time: an idle one tells of waiting,
-- not of speed. A span of 15 s counts as much as all before it.
CREATE OR REPLACE FUNCTION attune.heartbeat(
    p_worker bigint, p_progress bigint, p_in_hand int, p_in_hand_ms real,
    p_busy_ms double precision, p_span_ms double precision,
    p_tenants int[], p_kinds text[], p_estimated_ms double precision[], p_took_ms double precision[]
) RETURNS TABLE (state text, lease_seconds int, lanes int[], generations bigint[], leader_lives boolean, speed real)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_work double precision := 0;
    v_speed double precision;
    v_leads boolean;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT coalesce(d.seen_at > clock_timestamp() - make_interval(secs => s.lease_seconds), false) INTO v_leads
    FROM attune.leader d, attune.setting s;
    IF cardinality(p_tenants) > 0 THEN
        SELECT sum(i.estimated_ms * coalesce(f.factor, 1)) INTO v_work
        FROM unnest(p_tenants, p_kinds, p_estimated_ms) AS i (tenant_id, kind, estimated_ms)
        JOIN attune.kind k ON k.name = i.kind
        LEFT JOIN attune.cost_factor f ON f.tenant_id = i.tenant_id AND f.kind_id = k.kind_id;
        v_work := coalesce(v_work, 0);
        SELECT CASE WHEN p_busy_ms <= 0 OR p_busy_ms < 0.5 * p_span_ms OR v_work <= 0 THEN w.speed
            WHEN w.speed IS NULL THEN v_work / p_busy_ms
            ELSE w.speed + (v_work / p_busy_ms - w.speed) * (1 - exp(-least(700, p_busy_ms / 15000))) END
        INTO v_speed FROM attune.worker w WHERE w.worker_id = p_worker;
    END IF;
    RETURN QUERY
    UPDATE attune.worker w SET
        heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => s.lease_seconds),
        progress = p_progress, in_hand = p_in_hand, in_hand_ms = p_in_hand_ms,
        speed = CASE WHEN v_speed IS NULL THEN w.speed ELSE greatest(0.001, least(1000, v_speed)) END, work_ms = w.work_ms + v_work, busy_ms = w.busy_ms + p_busy_ms,
        first_job_at = coalesce(w.first_job_at, CASE WHEN p_in_hand > 0 OR v_work > 0 THEN clock_timestamp() END),
        progress_at = CASE WHEN w.progress = p_progress AND p_in_hand > 0 THEN w.progress_at ELSE clock_timestamp() END
    FROM attune.setting s
    WHERE w.worker_id = p_worker AND w.state <> 'stopped'
    RETURNING w.state, s.lease_seconds,
        coalesce((SELECT array_agg(l.lane_id ORDER BY l.lane_id) FROM attune.lane l WHERE l.owner = p_worker), '{}'),
        coalesce((SELECT array_agg(l.generation ORDER BY l.lane_id) FROM attune.lane l WHERE l.owner = p_worker), '{}'),
        v_leads, w.speed;
    IF NOT FOUND THEN
        PERFORM attune.refuse('worker_gone', format('worker %s', p_worker), 'no such worker runs', 'register again');
    END IF;
    IF v_work > 0 THEN
        -- What was estimated, and what it took this worker, in milliseconds of a reference worker.
        INSERT INTO attune.work_delta (tenant_id, kind_id, estimated_ms, took_ms)
        SELECT i.tenant_id, k.kind_id, i.estimated_ms, i.took_ms * w.speed
        FROM unnest(p_tenants, p_kinds, p_estimated_ms, p_took_ms) AS i (tenant_id, kind, estimated_ms, took_ms)
        JOIN attune.kind k ON k.name = i.kind JOIN attune.worker w ON w.worker_id = p_worker
        WHERE w.speed IS NOT NULL;
    END IF;
    PERFORM attune.add_partitions();
    -- Without a scheduler, whoever works keeps the clock of the fair queue going.
    IF NOT v_leads THEN
        PERFORM attune.advance_fair_clock();
        PERFORM attune.learn_costs(200);
    END IF;
END
$$;
COMMENT ON FUNCTION attune.heartbeat(bigint, bigint, int, real, double precision, double precision, int[], text[], double precision[], double precision[]) IS 'Says that a worker lives, how far it got, and what it did since it last told: time with work in hand of a span, and by tenant and kind the estimates of the jobs done and the time they took. Returns what it is to do (active, paused or draining), its lanes, whether a scheduler leads, and its measured speed.';

-- Workers of the first versions call this one; they know no pause, and get no lanes while it lasts.
CREATE OR REPLACE FUNCTION attune.heartbeat(p_worker bigint, p_progress bigint, p_in_hand int)
RETURNS TABLE (state text, lease_seconds int, lanes int[], generations bigint[], leader_lives boolean)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE h.state WHEN 'paused' THEN 'active' ELSE h.state END, h.lease_seconds, h.lanes, h.generations, h.leader_lives
    FROM attune.heartbeat(p_worker, p_progress, p_in_hand, 0, 0, 0, '{}', '{}', '{}', '{}') AS h
$$;
COMMENT ON FUNCTION attune.heartbeat(bigint, bigint, int) IS 'A heartbeat without measurements, as workers before 0.2 send it.';
