CREATE OR REPLACE FUNCTION attune.record_health(
    p_epoch bigint, p_checked text[], p_names text[], p_subjects text[], p_measured double precision[], p_what text[], p_if_left text[],
    p_helps text[]
) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_row record;
    v_now timestamptz := clock_timestamp();
    v_bad int := 0;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    FOR v_row IN SELECT * FROM attune.judge_health(p_checked, p_names, p_subjects, p_measured, p_what, p_if_left, p_helps) LOOP
        UPDATE attune.finding f SET ended_at = v_now
        WHERE f.name = v_row.name AND f.subject = v_row.subject AND f.ended_at IS NULL AND f.status <> v_row.status;
        INSERT INTO attune.finding AS f (name, subject, since, status, measured, what, if_left, helps, seen_at)
        VALUES (v_row.name, v_row.subject, v_now, v_row.status, v_row.measured, v_row.what, v_row.if_left, v_row.helps, v_now)
        ON CONFLICT (name, subject) WHERE ended_at IS NULL DO UPDATE SET measured = excluded.measured, what = excluded.what,
            if_left = excluded.if_left, helps = excluded.helps, seen_at = excluded.seen_at;
        v_bad := v_bad + (v_row.status <> 'ok')::int;
    END LOOP;
    UPDATE attune.finding f SET ended_at = v_now WHERE f.ended_at IS NULL AND f.name = ANY (p_checked) AND f.seen_at < v_now;
    DELETE FROM attune.finding f WHERE f.ended_at < v_now - (SELECT make_interval(days => s.history_days) FROM attune.setting s);
    RETURN v_bad;
END
$$;
COMMENT ON FUNCTION attune.record_health(bigint, text[], text[], text[], double precision[], text[], text[], text[]) IS 'For the leader: keeps what its checks found as rows with the time since when. Returns how many are not ok.';
