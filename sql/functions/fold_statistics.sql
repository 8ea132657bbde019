-- Anyone may fold, one at a time: the cursor's row lock decides, and reports are folded by the transaction that they came
-- in, below every one that still runs, so that each is folded once and none is passed over.
CREATE OR REPLACE FUNCTION attune.fold_statistics(p_limit int DEFAULT 5000, p_every interval DEFAULT '0') RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_cursor attune.stat_cursor;
    v_to xid8;
    v_count int := 0;
    v_own int;
    v_busiest int[];
BEGIN
    SELECT c.* INTO v_cursor FROM attune.stat_cursor c FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR v_cursor.folded_at > clock_timestamp() - p_every THEN
        RETURN 0;  -- another process is at it, or was just now
    END IF;
    SELECT max(n.born) INTO v_to FROM (
        SELECT d.born FROM attune.stat_delta d
        WHERE d.born > v_cursor.folded AND d.born < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY d.born LIMIT p_limit) AS n;
    IF v_to IS NOT NULL THEN
        SELECT s.statistics_tenants INTO v_own FROM attune.setting s;
        IF (SELECT count(*) FROM (SELECT FROM attune.tenant LIMIT v_own + 1) AS t) > v_own THEN
            SELECT array_agg(b.tenant_id) INTO v_busiest FROM (
                SELECT j.tenant_id FROM (
                    SELECT m.tenant_id, m.jobs FROM attune.stat_minute m
                    WHERE m.minute >= clock_timestamp() - interval '15 minutes' AND m.tenant_id <> 0
                    UNION ALL
                    SELECT d.tenant_id, d.jobs FROM attune.stat_delta d WHERE d.born > v_cursor.folded AND d.born <= v_to
                ) AS j GROUP BY j.tenant_id ORDER BY sum(j.jobs) DESC, j.tenant_id LIMIT v_own) AS b;
        END IF;
        WITH summed AS (
            SELECT date_bin('1 minute', d.at, '2000-01-01 00:00:00+00') AS minute,
                CASE WHEN own.is_so THEN d.tenant_id ELSE 0 END AS tenant_id, CASE WHEN own.is_so THEN d.flow_id ELSE 0 END AS flow_id,
                d.kind_id, d.ending, min(d.at) AS since, sum(d.jobs)::bigint AS jobs, sum(d.examples)::bigint AS examples,
                sum(d.stored_bytes)::bigint AS stored_bytes, attune.sum_arrays(d.stage_ms) AS stage_ms,
                attune.sum_arrays(d.latency) AS latency, count(*) AS reports
            FROM attune.stat_delta d
            CROSS JOIN LATERAL (SELECT v_busiest IS NULL OR d.tenant_id = ANY (v_busiest) AS is_so) AS own
            WHERE d.born > v_cursor.folded AND d.born <= v_to
            GROUP BY 1, 2, 3, 4, 5
        ), minutes AS (
            INSERT INTO attune.stat_minute AS m
                (minute, tenant_id, flow_id, kind_id, ending, since, jobs, examples, stored_bytes, stage_ms, latency)
            SELECT s.minute, s.tenant_id, s.flow_id, s.kind_id, s.ending, s.since, s.jobs, s.examples, s.stored_bytes, s.stage_ms, s.latency
            FROM summed s ORDER BY 1, 2, 3, 4, 5
            ON CONFLICT (minute, tenant_id, flow_id, kind_id, ending) DO UPDATE SET
                since = least(m.since, excluded.since), jobs = m.jobs + excluded.jobs, examples = m.examples + excluded.examples,
                stored_bytes = m.stored_bytes + excluded.stored_bytes,
                stage_ms = attune.add_arrays(m.stage_ms, excluded.stage_ms), latency = attune.add_arrays(m.latency, excluded.latency)
        )
        SELECT coalesce(sum(s.reports), 0) INTO v_count FROM summed s;
        -- A report that comes after its hour was summed goes into the hour by itself.
        PERFORM attune.add_statistics_month(d.at) FROM attune.stat_delta d
        WHERE d.born > v_cursor.folded AND d.born <= v_to AND d.at < v_cursor.hours_through;
        INSERT INTO attune.stat_hour AS h (hour, tenant_id, flow_id, kind_id, ending, jobs, examples, stored_bytes, stage_ms, latency)
        SELECT date_bin('1 hour', d.at, '2000-01-01 00:00:00+00'), own.tenant_id, own.flow_id, d.kind_id, d.ending, sum(d.jobs),
            sum(d.examples), sum(d.stored_bytes), attune.sum_arrays(d.stage_ms), attune.sum_arrays(d.latency)
        FROM attune.stat_delta d
        CROSS JOIN LATERAL (SELECT CASE WHEN v_busiest IS NULL OR d.tenant_id = ANY (v_busiest) THEN d.tenant_id ELSE 0 END AS tenant_id,
            CASE WHEN v_busiest IS NULL OR d.tenant_id = ANY (v_busiest) THEN d.flow_id ELSE 0 END AS flow_id) AS own
        WHERE d.born > v_cursor.folded AND d.born <= v_to AND d.at < v_cursor.hours_through
        GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (hour, tenant_id, flow_id, kind_id, ending) DO UPDATE SET
            jobs = h.jobs + excluded.jobs, examples = h.examples + excluded.examples, stored_bytes = h.stored_bytes + excluded.stored_bytes,
            stage_ms = attune.add_arrays(h.stage_ms, excluded.stage_ms), latency = attune.add_arrays(h.latency, excluded.latency);
    END IF;
    UPDATE attune.stat_cursor c SET folded = coalesce(v_to, c.folded), folded_at = clock_timestamp();
    PERFORM attune.sum_hour();
    PERFORM attune.prune_statistics(p_limit);
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.fold_statistics(int, interval) IS 'Sums workers'' reports into minutes and hours, about that many a call, and lets go of those kept long enough; nothing if that was done less than p_every ago. Every few seconds, by the leader, or by workers when none leads. Returns how many reports were folded.';
