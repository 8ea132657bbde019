-- A revision that nobody uses any more is history: it is kept for history_days, so that a user can be rolled back, and then
-- its row goes first; the collector deletes an object once no slot is left that names it (QUEUE rule 8). What a pointer names
-- stays whatever its age, also under a base that no longer serves: that is the way back.
--
-- A rollback sets a pointer back to an old revision under the pointer's lock. So the pointers are locked first, and a
-- statement after that sees where they point; those that are locked just now are left for the next pass.
CREATE OR REPLACE FUNCTION attune.prune_revisions(p_epoch bigint, p_budget int DEFAULT 5000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off AS $$
DECLARE
    v_duty attune.upkeep;
    v_before timestamptz;
    v_looked int;
    v_last bigint;
    v_old bigint[];
    v_uids bigint[];
    v_bases int[];
    v_removed int := 0;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT u.* INTO v_duty FROM attune.upkeep u WHERE u.duty = 'revisions' FOR UPDATE;
    IF v_duty.position = -1 AND v_duty.passes > 0 AND v_duty.pass_began_at > clock_timestamp() - interval '1 hour' THEN
        RETURN 0;
    END IF;
    SELECT clock_timestamp() - make_interval(days => s.history_days) INTO v_before FROM attune.setting s;
    SELECT count(*), max(l.revision_id), array_agg(l.revision_id) FILTER (WHERE l.is_old), array_agg(l.uid) FILTER (WHERE l.is_old)
    INTO v_looked, v_last, v_old, v_uids
    FROM (
        SELECT r.revision_id, r.uid, r.published_at < v_before AND NOT EXISTS (
            SELECT FROM attune.pointer p WHERE p.uid = r.uid AND p.base_id = r.base_id AND p.revision_id = r.revision_id) AS is_old
        FROM attune.revision r WHERE r.revision_id > v_duty.position ORDER BY r.revision_id LIMIT p_budget
    ) AS l;
    IF v_old IS NOT NULL THEN
        SELECT array_agg(p.uid), array_agg(p.base_id) INTO v_uids, v_bases FROM (
            SELECT k.uid, k.base_id FROM attune.pointer k WHERE k.uid = ANY (v_uids) ORDER BY k.uid, k.base_id FOR UPDATE SKIP LOCKED
        ) AS p;
        WITH gone AS (
            DELETE FROM attune.revision r WHERE r.revision_id = ANY (ARRAY(SELECT unnest(v_old)))
                AND (r.uid, r.base_id) IN (SELECT l.uid, l.base_id FROM unnest(v_uids, v_bases) AS l (uid, base_id))
                AND NOT EXISTS (
                    SELECT FROM attune.pointer p WHERE p.uid = r.uid AND p.base_id = r.base_id AND p.revision_id = r.revision_id)
            RETURNING r.revision_id
        ), slots AS (
            DELETE FROM attune.object_slot s USING gone g WHERE s.revision_id = g.revision_id
        )
        SELECT count(*) INTO v_removed FROM gone;
    END IF;
    UPDATE attune.upkeep u SET removed = u.removed + v_removed, stepped_at = clock_timestamp(),
        position = CASE WHEN v_looked < p_budget THEN -1 ELSE v_last END,
        passes = CASE WHEN v_looked < p_budget THEN u.passes + 1 ELSE u.passes END,
        pass_began_at = CASE WHEN u.position = -1 THEN clock_timestamp() ELSE u.pass_began_at END
    WHERE u.duty = 'revisions';
    RETURN v_looked;
END
$$;
COMMENT ON FUNCTION attune.prune_revisions(bigint, int) IS 'For the leader: looks at the next revisions, at most that many, and deletes those published more than history_days ago that no pointer names, with their slots. Returns how many it looked at; below the budget: the pass is over.';
