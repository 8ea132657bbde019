-- The carry is the partition of all job ids below the oldest partition that is left. The oldest one goes together with the
-- old carry, and a new carry with what must live on of both takes their place, at one instant and under the same job ids:
-- no statement needs to know that jobs move.
--
-- A snapshot that is older than the copies would see neither them nor the originals: a job would seem not to exist, or
-- not to have ended. So this waits until no snapshot is. Never TRUNCATE: that is not safe for snapshots at all.
CREATE OR REPLACE FUNCTION attune.drop_history(p_epoch bigint) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    v_part attune.history_part;
    v_parent text;
    v_gone text;
    v_late int;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    PERFORM set_config('lock_timeout', '50ms', true);
    -- What an earlier call took out.
    SELECT c.relname INTO v_gone FROM pg_class c
    WHERE c.relnamespace = 'attune'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '^(job|outcome)_gone_[0-9]+_(carry|part)$'
    ORDER BY c.relname LIMIT 1;
    IF v_gone IS NOT NULL THEN
        BEGIN
            EXECUTE format('DROP TABLE attune.%I', v_gone);
            RETURN 'removed';
        EXCEPTION WHEN lock_not_available THEN
            RETURN 'busy';
        END;
    END IF;

    SELECT h.* INTO v_part FROM attune.history_part h ORDER BY h.first_chunk LIMIT 1;
    IF coalesce(v_part.walked_to < v_part.end_chunk * 1024, true) THEN
        RETURN 'nothing';
    ELSIF pg_snapshot_xmin(pg_current_snapshot()) <= v_part.copied OR EXISTS (
        SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
            AND age(a.backend_xmin) >= age(v_part.copied::xid)) THEN
        UPDATE attune.history_part h SET note = 'an open transaction is older than the copies of its stragglers'
        WHERE h.first_chunk = v_part.first_chunk;
        RETURN 'waiting';
    END IF;
    BEGIN
        LOCK TABLE ONLY attune.job, ONLY attune.outcome IN ACCESS EXCLUSIVE MODE;
        -- Jobs that ended since they were copied: their outcomes have to be copied, and to grow as old.
        INSERT INTO attune.outcome_carry_next SELECT o.* FROM attune.job_carry_next n JOIN attune.outcome o ON o.job_id = n.job_id
        WHERE NOT EXISTS (SELECT FROM attune.outcome_carry_next e WHERE e.job_id = n.job_id);
        GET DIAGNOSTICS v_late = ROW_COUNT;
        IF v_late > 0 THEN
            UPDATE attune.history_part h SET copied = pg_current_xact_id() WHERE h.first_chunk = v_part.first_chunk;
            RETURN 'waiting';
        END IF;
        -- What was erased since it was copied.
        UPDATE attune.job_carry_next n SET payload = NULL, trace = NULL, dedup_hash = NULL FROM attune."user" u
        WHERE u.uid = n.uid AND u.erased_at IS NOT NULL AND (n.payload IS NOT NULL OR n.trace IS NOT NULL OR n.dedup_hash IS NOT NULL);
        UPDATE attune.outcome_carry_next n SET message = NULL FROM attune.job_carry_next j JOIN attune."user" u ON u.uid = j.uid
        WHERE j.job_id = n.job_id AND u.erased_at IS NOT NULL AND n.message IS NOT NULL;
        FOREACH v_parent IN ARRAY ARRAY['job', 'outcome'] LOOP
            EXECUTE format('ALTER TABLE attune.%1$I DETACH PARTITION attune.%2$I', v_parent, attune.part_name(v_parent, v_part.first_chunk));
            EXECUTE format('ALTER TABLE attune.%I RENAME TO %I', attune.part_name(v_parent, v_part.first_chunk),
                format('%s_gone_%s_part', v_parent, v_part.first_chunk));
            IF to_regclass(format('attune.%s_carry', v_parent)) IS NOT NULL THEN
                EXECUTE format('ALTER TABLE attune.%1$I DETACH PARTITION attune.%2$I', v_parent, v_parent || '_carry');
                EXECUTE format('ALTER TABLE attune.%I RENAME TO %I', v_parent || '_carry',
                    format('%s_gone_%s_carry', v_parent, v_part.first_chunk));
            END IF;
            EXECUTE format('ALTER TABLE attune.%I RENAME TO %I', v_parent || '_carry_next', v_parent || '_carry');
            EXECUTE format('ALTER TABLE attune.%I ATTACH PARTITION attune.%I FOR VALUES FROM (MINVALUE) TO (%s)', v_parent,
                v_parent || '_carry', v_part.end_chunk * 1024);
            EXECUTE format('COMMENT ON TABLE attune.%I IS %L', v_parent || '_carry',
                'The partition of ids below all others: what had not ended, or not long ago, when the partitions there were dropped.');
        END LOOP;
    EXCEPTION WHEN lock_not_available THEN
        UPDATE attune.history_part h SET note = 'a session holds job or outcome for longer than 50 ms at each try'
        WHERE h.first_chunk = v_part.first_chunk;
        RETURN 'busy';
    END;
    DELETE FROM attune.history_part h WHERE h.first_chunk = v_part.first_chunk;
    RETURN 'dropped';
END
$$;
COMMENT ON FUNCTION attune.drop_history(bigint) IS 'For the leader: takes out the oldest partition once it has been looked through, leaving its stragglers in attune.job_carry; a later call drops the table. Returns dropped, removed (a table taken out before), busy (a lock was not to be had in 50 ms), waiting (for older snapshots to end) or nothing.';
