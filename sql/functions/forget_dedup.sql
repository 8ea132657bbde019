CREATE OR REPLACE FUNCTION attune.forget_dedup(p_limit int DEFAULT 1000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_count int;
    v_keep interval;
BEGIN
    SELECT make_interval(days => s.dedup_days) INTO v_keep FROM attune.setting s;
    WITH due AS MATERIALIZED (
        -- A job that is not there ended so long ago that it was dropped with its partition.
        SELECT d.tenant_id, d.key_hash, CASE WHEN j.job_id IS NULL THEN d.expires ELSE o.finished_at + v_keep END AS until
        FROM (SELECT * FROM attune.dedup x WHERE x.expires < (SELECT clock_timestamp()) ORDER BY x.expires LIMIT p_limit FOR UPDATE SKIP LOCKED) AS d
        LEFT JOIN attune.job j ON j.job_id = d.job_id
        LEFT JOIN attune.outcome o ON o.job_id = d.job_id
    ), gone AS (
        DELETE FROM attune.dedup d USING due WHERE due.until < clock_timestamp()
            AND d.tenant_id = due.tenant_id AND d.key_hash = due.key_hash RETURNING 1
    ), later AS (
        UPDATE attune.dedup d SET expires = coalesce(due.until, clock_timestamp() + greatest(v_keep, interval '1 hour')) FROM due
        WHERE (due.until IS NULL OR due.until >= clock_timestamp()) AND d.tenant_id = due.tenant_id AND d.key_hash = due.key_hash
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) + 0 * (SELECT count(*) FROM later) INTO v_count;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.forget_dedup(int) IS 'Forgets dedup keys whose job ended more than setting.dedup_days ago, looking at no more than that many; returns how many.';
