-- A closed chunk is needed until nobody can ask any more whether its publish went through. Ids above the newest mark that
-- is closed_hours old are younger than that; below it, one pass an hour finds what is left.
CREATE OR REPLACE FUNCTION attune.prune_chunks(p_epoch bigint, p_budget int DEFAULT 5000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_bitmapscan = off AS $$
DECLARE
    v_duty attune.upkeep;
    v_keep interval;
    v_end bigint;
    v_looked int;
    v_removed int;
    v_last bigint;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT make_interval(hours => s.closed_hours) INTO v_keep FROM attune.setting s;
    SELECT m.next_chunk INTO v_end FROM attune.id_mark m WHERE m.at < clock_timestamp() - v_keep ORDER BY m.at DESC LIMIT 1;
    SELECT u.* INTO v_duty FROM attune.upkeep u WHERE u.duty = 'chunks' FOR UPDATE;
    IF v_end IS NULL OR (v_duty.position = -1 AND v_duty.passes > 0 AND v_duty.pass_began_at > clock_timestamp() - v_keep / 24) THEN
        RETURN 0;
    END IF;
    WITH looked AS MATERIALIZED (
        SELECT c.chunk_id, c.state = 4 AND coalesce(c.claimed_at < clock_timestamp() - v_keep, true) AS is_over
        FROM attune.chunk c WHERE c.chunk_id > v_duty.position AND c.chunk_id < v_end ORDER BY c.chunk_id LIMIT p_budget
    ), gone AS (
        DELETE FROM attune.chunk c WHERE c.chunk_id = ANY (ARRAY(SELECT l.chunk_id FROM looked l WHERE l.is_over)) AND c.state = 4
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM looked), (SELECT count(*) FROM gone), (SELECT max(l.chunk_id) FROM looked l)
    INTO v_looked, v_removed, v_last;
    UPDATE attune.upkeep u SET removed = u.removed + v_removed, stepped_at = clock_timestamp(),
        position = CASE WHEN v_looked < p_budget THEN -1 ELSE v_last END,
        passes = CASE WHEN v_looked < p_budget THEN u.passes + 1 ELSE u.passes END,
        pass_began_at = CASE WHEN u.position = -1 THEN clock_timestamp() ELSE u.pass_began_at END
    WHERE u.duty = 'chunks';
    RETURN v_looked;
END
$$;
COMMENT ON FUNCTION attune.prune_chunks(bigint, int) IS 'For the leader: looks at the next old chunks, at most that many, and deletes those that were closed and last claimed more than closed_hours ago. Returns how many it looked at; below the budget: the pass is over.';
