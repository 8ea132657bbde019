-- A worker's row holds the lease of its chunks: it goes only when it has none, no lane and no way to come back.
CREATE OR REPLACE FUNCTION attune.prune_workers(p_epoch bigint, p_budget int DEFAULT 1000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    v_duty attune.upkeep;
    v_days interval;
    v_looked int;
    v_removed int;
    v_last bigint;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT make_interval(days => s.history_days) INTO v_days FROM attune.setting s;
    SELECT u.* INTO v_duty FROM attune.upkeep u WHERE u.duty = 'workers' FOR UPDATE;
    IF v_duty.position = -1 AND v_duty.passes > 0 AND v_duty.pass_began_at > clock_timestamp() - interval '1 hour' THEN
        RETURN 0;
    END IF;
    WITH looked AS MATERIALIZED (
        SELECT w.worker_id FROM attune.worker w WHERE w.worker_id > v_duty.position ORDER BY w.worker_id LIMIT p_budget
    ), gone AS (
        DELETE FROM attune.worker w WHERE w.worker_id = ANY (ARRAY(SELECT l.worker_id FROM looked l))
            AND w.heartbeat_at < clock_timestamp() - v_days
            AND (w.state = 'stopped' OR w.lease_until < clock_timestamp() - interval '1 day')
            AND NOT EXISTS (SELECT FROM attune.chunk c WHERE c.worker_id = w.worker_id AND c.state = 1)
            AND NOT EXISTS (SELECT FROM attune.lane l WHERE l.owner = w.worker_id)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM looked), (SELECT count(*) FROM gone), (SELECT max(l.worker_id) FROM looked l)
    INTO v_looked, v_removed, v_last;
    UPDATE attune.upkeep u SET removed = u.removed + v_removed, stepped_at = clock_timestamp(),
        position = CASE WHEN v_looked < p_budget THEN -1 ELSE v_last END,
        passes = CASE WHEN v_looked < p_budget THEN u.passes + 1 ELSE u.passes END,
        pass_began_at = CASE WHEN u.position = -1 THEN clock_timestamp() ELSE u.pass_began_at END
    WHERE u.duty = 'workers';
    RETURN v_looked;
END
$$;
COMMENT ON FUNCTION attune.prune_workers(bigint, int) IS 'For the leader: looks at the next workers, at most that many, and deletes those that stopped, or were lost, more than history_days ago. Returns how many it looked at; below the budget: the pass is over.';
