-- Partitions are closed by number or by age. A site that uses few ids starts a new one when the current one has been in
-- use for an eighth of history_days, by moving the sequence on to the next: its history goes in eighths too.
--
-- Nothing may be inserted into a partition after it has been looked through. Who has taken an id from the sequence holds
-- its lock to the end of the transaction, so those who hold it when it has been passed are all who may still insert.
CREATE OR REPLACE FUNCTION attune.advance_history(p_epoch bigint) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_next bigint;
    v_held text[];
    v_current attune.history_part;
    v_days interval;
    v_hours interval;
    v_closed int;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    PERFORM attune.add_partitions();
    SELECT make_interval(days => s.history_days), make_interval(hours => s.closed_hours) INTO v_days, v_hours FROM attune.setting s;
    SELECT q.last_value + q.is_called::int INTO v_next FROM attune.chunk_id_seq q;
    INSERT INTO attune.id_mark (next_chunk)
    SELECT v_next WHERE coalesce((SELECT max(m.at) FROM attune.id_mark m), '-infinity') < clock_timestamp() - v_hours / 10;
    DELETE FROM attune.id_mark m WHERE m.at < (
        SELECT max(o.at) FROM attune.id_mark o WHERE o.at < clock_timestamp() - v_hours);
    UPDATE attune.history_part h SET used_at = clock_timestamp() WHERE h.used_at IS NULL AND h.first_chunk < v_next;

    SELECT h.* INTO v_current FROM attune.history_part h WHERE h.passed_at IS NULL ORDER BY h.first_chunk LIMIT 1;
    IF v_current.used_at < clock_timestamp() - v_days / 8 AND v_next < v_current.end_chunk THEN
        PERFORM set_config('lock_timeout', '50ms', true);
        BEGIN
            -- Changes nothing, but nobody takes an id while this transaction holds the lock it takes.
            ALTER SEQUENCE attune.chunk_id_seq CACHE 1;
            SELECT q.last_value + q.is_called::int INTO v_next FROM attune.chunk_id_seq q;
            IF v_next > v_current.first_chunk AND v_next < v_current.end_chunk THEN
                EXECUTE format('ALTER SEQUENCE attune.chunk_id_seq RESTART WITH %s', v_current.end_chunk);
                UPDATE attune.history_part h SET passed_at = clock_timestamp(), passed_ids = v_next - h.first_chunk,
                    passed_xid = pg_current_xact_id(), passed_by = '{}'
                WHERE h.first_chunk = v_current.first_chunk;
                PERFORM attune.add_partitions();
                v_next := v_current.end_chunk;
            END IF;
        EXCEPTION WHEN lock_not_available THEN
            NULL;  -- somebody enqueues just now; the next step tries again
        END;
    END IF;

    IF EXISTS (SELECT FROM attune.history_part h WHERE h.closed_at IS NULL AND (h.passed_at IS NOT NULL OR h.end_chunk <= v_next)) THEN
        SELECT coalesce(array_agg(l.virtualtransaction), '{}') INTO v_held FROM pg_locks l
        WHERE l.relation = 'attune.chunk_id_seq'::regclass AND l.mode = 'RowExclusiveLock'
            AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
        UPDATE attune.history_part h SET passed_at = clock_timestamp(), passed_ids = h.end_chunk - h.first_chunk,
            passed_xid = pg_current_xact_id(), passed_by = v_held
        WHERE h.passed_at IS NULL AND h.end_chunk <= v_next;
        UPDATE attune.history_part h SET closed_at = clock_timestamp(), passed_by = NULL
        WHERE h.closed_at IS NULL AND h.passed_xid < pg_snapshot_xmin(pg_current_snapshot()) AND NOT h.passed_by && v_held;
        GET DIAGNOSTICS v_closed = ROW_COUNT;
    END IF;
    RETURN coalesce(v_closed, 0);
END
$$;
COMMENT ON FUNCTION attune.advance_history(bigint) IS 'For the leader: makes partitions ahead, starts a new one when the current one has been in use long enough, and closes those that no transaction can insert into any more. Returns how many it closed.';
