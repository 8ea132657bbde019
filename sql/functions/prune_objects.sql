-- The row of a deleted object keeps its key from being used again. Only a delivery of an earlier claim could try: once no
-- chunk is leased that was claimed before the object was condemned, nobody can.
CREATE OR REPLACE FUNCTION attune.prune_objects(p_epoch bigint, p_budget int DEFAULT 5000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    v_duty attune.upkeep;
    v_before timestamptz;
    v_looked int;
    v_removed int;
    v_last bigint;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT u.* INTO v_duty FROM attune.upkeep u WHERE u.duty = 'objects' FOR UPDATE;
    IF v_duty.position = -1 AND v_duty.passes > 0 AND v_duty.pass_began_at > clock_timestamp() - interval '1 hour' THEN
        RETURN 0;
    END IF;
    SELECT least(clock_timestamp() - make_interval(days => s.history_days),
        (SELECT min(c.claimed_at) FROM attune.chunk c WHERE c.state = 1)) INTO v_before FROM attune.setting s;
    WITH looked AS MATERIALIZED (
        SELECT o.object_id FROM attune.object o WHERE o.state = 2 AND o.object_id > v_duty.position ORDER BY o.object_id LIMIT p_budget
    ), gone AS (
        DELETE FROM attune.object o WHERE o.object_id = ANY (ARRAY(SELECT l.object_id FROM looked l))
            AND o.state = 2 AND o.condemned_at < v_before
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM looked), (SELECT count(*) FROM gone), (SELECT max(l.object_id) FROM looked l)
    INTO v_looked, v_removed, v_last;
    UPDATE attune.upkeep u SET removed = u.removed + v_removed, stepped_at = clock_timestamp(),
        position = CASE WHEN v_looked < p_budget THEN -1 ELSE v_last END,
        passes = CASE WHEN v_looked < p_budget THEN u.passes + 1 ELSE u.passes END,
        pass_began_at = CASE WHEN u.position = -1 THEN clock_timestamp() ELSE u.pass_began_at END
    WHERE u.duty = 'objects';
    RETURN v_looked;
END
$$;
COMMENT ON FUNCTION attune.prune_objects(bigint, int) IS 'For the leader: looks at the next rows of deleted objects, at most that many, and deletes those condemned more than history_days ago that no delivery in work can name. Returns how many it looked at; below the budget: the pass is over.';
