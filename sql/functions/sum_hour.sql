-- Two minutes after its end: reports that are later than that are added to the hour as they come.
CREATE OR REPLACE FUNCTION attune.sum_hour() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    v_hour timestamptz;
BEGIN
    SELECT coalesce(c.hours_through, date_bin('1 hour', (SELECT min(m.minute) FROM attune.stat_minute m), '2000-01-01 00:00:00+00'))
    INTO v_hour FROM attune.stat_cursor c;
    IF v_hour IS NULL THEN
        RETURN;
    END IF;
    -- Hours without a report are passed over at once.
    v_hour := greatest(v_hour, least(
        date_bin('1 hour', coalesce((SELECT m.minute FROM attune.stat_minute m WHERE m.minute >= v_hour ORDER BY m.minute LIMIT 1),
            clock_timestamp()), '2000-01-01 00:00:00+00'),
        date_bin('1 hour', clock_timestamp() - interval '2 minutes', '2000-01-01 00:00:00+00')));
    PERFORM attune.add_statistics_month(v_hour);
    IF v_hour + interval '1 hour 2 minutes' <= clock_timestamp() THEN
        INSERT INTO attune.stat_hour (hour, tenant_id, flow_id, kind_id, ending, jobs, examples, stored_bytes, stage_ms, latency)
        SELECT v_hour, m.tenant_id, m.flow_id, m.kind_id, m.ending, sum(m.jobs), sum(m.examples), sum(m.stored_bytes),
            attune.sum_arrays(m.stage_ms), attune.sum_arrays(m.latency)
        FROM attune.stat_minute m WHERE m.minute >= v_hour AND m.minute < v_hour + interval '1 hour'
        GROUP BY m.tenant_id, m.flow_id, m.kind_id, m.ending;
        v_hour := v_hour + interval '1 hour';
    END IF;
    UPDATE attune.stat_cursor c SET hours_through = v_hour WHERE c.hours_through IS DISTINCT FROM v_hour;
END
$$;
COMMENT ON FUNCTION attune.sum_hour() IS 'Sums the minutes of the next hour that is over, at most one a call, and makes the month''s partition.';
