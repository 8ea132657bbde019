-- Tries are written in the order of time: the oldest are at the start, and a step begins where the last one ended.
CREATE OR REPLACE FUNCTION attune.prune_attempts(p_epoch bigint, p_budget int DEFAULT 5000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    v_from bigint;
    v_cutoff timestamptz;
    v_removed int;
    v_last bigint;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT clock_timestamp() - make_interval(days => s.history_days) INTO v_cutoff FROM attune.setting s;
    SELECT u.position INTO v_from FROM attune.upkeep u WHERE u.duty = 'attempts' FOR UPDATE;
    WITH looked AS MATERIALIZED (
        SELECT l.log_id, l.at FROM attune.attempt_log l WHERE l.log_id > v_from ORDER BY l.log_id LIMIT p_budget
    ), over AS MATERIALIZED (
        -- Up to the first that is kept: the position must not pass it.
        SELECT o.log_id FROM looked o WHERE o.at < v_cutoff
            AND o.log_id < coalesce((SELECT min(k.log_id) FROM looked k WHERE k.at >= v_cutoff), 9223372036854775807)
    ), gone AS (
        DELETE FROM attune.attempt_log l WHERE l.log_id = ANY (ARRAY(SELECT o.log_id FROM over o)) RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone), (SELECT max(o.log_id) FROM over o) INTO v_removed, v_last;
    IF v_removed > 0 THEN
        UPDATE attune.upkeep u SET removed = u.removed + v_removed, stepped_at = clock_timestamp(), position = v_last
        WHERE u.duty = 'attempts';
    END IF;
    RETURN v_removed;
END
$$;
COMMENT ON FUNCTION attune.prune_attempts(bigint, int) IS 'For the leader: deletes the oldest rows of attempt_log, at most that many, if they are older than history_days. Returns how many.';
