-- One update extends the lease of every chunk the worker holds. A lease that has run out and was not rescued yet goes on:
-- the fence, not the lease, decides what may be published.
CREATE OR REPLACE FUNCTION attune.heartbeat(p_worker bigint, p_progress bigint, p_in_hand int)
RETURNS TABLE (state text, lease_seconds int, lanes int[], generations bigint[], leader_lives boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
    UPDATE attune.worker w SET
        heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => s.lease_seconds),
        progress = p_progress, in_hand = p_in_hand,
        progress_at = CASE WHEN w.progress = p_progress AND p_in_hand > 0 THEN w.progress_at ELSE clock_timestamp() END
    FROM attune.setting s
    WHERE w.worker_id = p_worker AND w.state <> 'stopped'
    RETURNING w.state, s.lease_seconds,
        coalesce((SELECT array_agg(l.lane_id ORDER BY l.lane_id) FROM attune.lane l WHERE l.owner = p_worker), '{}'),
        coalesce((SELECT array_agg(l.generation ORDER BY l.lane_id) FROM attune.lane l WHERE l.owner = p_worker), '{}'),
        (SELECT coalesce(d.seen_at > clock_timestamp() - make_interval(secs => s.lease_seconds), false) FROM attune.leader d);
    IF NOT FOUND THEN
        PERFORM attune.refuse('worker_gone', format('worker %s', p_worker), 'no such worker runs', 'register again');
    END IF;
    PERFORM attune.add_partitions();
    -- Without a scheduler, whoever works keeps the clock of the fair queue going.
    IF NOT EXISTS (SELECT FROM attune.leader d, attune.setting s
        WHERE d.seen_at > clock_timestamp() - make_interval(secs => s.lease_seconds)) THEN
        PERFORM attune.advance_fair_clock();
    END IF;
END
$$;
COMMENT ON FUNCTION attune.heartbeat(bigint, bigint, int) IS 'Says that a worker lives and how far it got; returns what it is to do (active or draining), its lanes, and whether a scheduler leads.';
