-- A report stays ten minutes after it was folded, so that the same one again still counts once. Each scan starts where the
-- one before ended: what it deleted stays in the index until no old snapshot needs it, and is not read again.
CREATE OR REPLACE FUNCTION attune.prune_statistics(p_limit int DEFAULT 5000) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_cursor attune.stat_cursor;
    v_setting attune.setting;
    v_deltas xid8;
    v_minutes timestamptz;
    v_part text;
BEGIN
    SELECT c.* INTO v_cursor FROM attune.stat_cursor c FOR UPDATE;
    SELECT s.* INTO v_setting FROM attune.setting s;
    WITH old AS MATERIALIZED (
        SELECT d.ctid AS at_row, d.born, d.at FROM attune.stat_delta d
        WHERE d.born > v_cursor.pruned_deltas AND d.born <= v_cursor.folded ORDER BY d.born LIMIT p_limit
    ), gone AS (
        DELETE FROM attune.stat_delta d USING old o
        WHERE d.ctid = o.at_row AND o.born < coalesce((SELECT min(n.born) FROM old n WHERE n.at >= clock_timestamp() - interval '10 minutes'),
            (SELECT max(n.born) FROM old n))
        RETURNING d.born
    )
    SELECT max(g.born) INTO v_deltas FROM gone g;
    WITH old AS MATERIALIZED (
        SELECT m.ctid AS at_row, m.minute FROM attune.stat_minute m
        WHERE m.minute >= v_cursor.pruned_minutes AND m.minute < v_cursor.hours_through
            AND m.minute < clock_timestamp() - make_interval(hours => v_setting.statistics_minutes_hours)
        ORDER BY m.minute LIMIT p_limit
    ), gone AS (
        DELETE FROM attune.stat_minute m USING old o WHERE m.ctid = o.at_row RETURNING m.minute
    )
    SELECT max(g.minute) INTO v_minutes FROM gone g;
    IF v_deltas IS NOT NULL OR v_minutes IS NOT NULL THEN
        UPDATE attune.stat_cursor c SET pruned_deltas = coalesce(v_deltas, c.pruned_deltas),
            pruned_minutes = coalesce(v_minutes, c.pruned_minutes);
    END IF;

    SELECT c.relname INTO v_part FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'attune.stat_hour'::regclass AND c.relname < 'stat_hour_p' || to_char(
        (clock_timestamp() - make_interval(days => v_setting.statistics_days)) AT TIME ZONE 'UTC', 'YYYYMM')
    ORDER BY c.relname LIMIT 1;
    IF v_part IS NOT NULL THEN
        BEGIN
            PERFORM set_config('lock_timeout', '50ms', true);
            EXECUTE format('ALTER TABLE attune.stat_hour DETACH PARTITION attune.%I', v_part);
            EXECUTE format('DROP TABLE attune.%I', v_part);
        EXCEPTION WHEN lock_not_available THEN
            RAISE DEBUG 'statistics: % is in use; dropped another time', v_part;
        END;
        PERFORM set_config('lock_timeout', '0', true);
    END IF;
END
$$;
COMMENT ON FUNCTION attune.prune_statistics(int) IS 'Deletes about that many reports and minutes that were kept long enough, and drops the oldest month of hours past setting.statistics_days.';
