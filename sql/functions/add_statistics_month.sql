CREATE OR REPLACE FUNCTION attune.add_statistics_month(p_at timestamptz) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_month timestamp := date_trunc('month', p_at AT TIME ZONE 'UTC');
    v_part text := 'stat_hour_p' || to_char(p_at AT TIME ZONE 'UTC', 'YYYYMM');
BEGIN
    IF to_regclass('attune.' || v_part) IS NULL THEN
        EXECUTE format('CREATE TABLE attune.%I (LIKE attune.stat_hour INCLUDING ALL)', v_part);
        EXECUTE format('ALTER TABLE attune.stat_hour ATTACH PARTITION attune.%I FOR VALUES FROM (%L) TO (%L)', v_part,
            v_month AT TIME ZONE 'UTC', (v_month + interval '1 month') AT TIME ZONE 'UTC');
    END IF;
END
$$;
COMMENT ON FUNCTION attune.add_statistics_month(timestamptz) IS 'Makes the partition of stat_hour that a time falls into, unless it is there.';
