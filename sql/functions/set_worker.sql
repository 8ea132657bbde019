-- By name, as people know workers; two that share a name must be told apart by id.
CREATE OR REPLACE FUNCTION attune.set_worker(p_worker text, p_state text)
RETURNS TABLE (worker_id bigint, name text, state text, lanes int, waiting bigint, in_hand int) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_ids bigint[];
BEGIN
    IF p_state IS NULL OR p_state NOT IN ('active', 'paused', 'draining') THEN
        PERFORM attune.refuse('bad_worker_state', 'workers', format('no state %s', coalesce(p_state, 'null')), 'say active, paused or draining');
    END IF;
    SELECT array_agg(w.worker_id) INTO v_ids FROM attune.worker w
    WHERE w.state <> 'stopped' AND w.lease_until > clock_timestamp() AND (w.name = p_worker OR w.worker_id::text = p_worker);
    IF v_ids IS NULL THEN
        PERFORM attune.refuse('unknown_worker', format('worker %s', left(coalesce(p_worker, 'null'), 100)), 'none of that name or id lives',
            'attune workers lists them');
    ELSIF cardinality(v_ids) > 1 THEN
        PERFORM attune.refuse('ambiguous', format('worker %s', left(p_worker, 100)), format('%s workers have that name', cardinality(v_ids)),
            format('give one of the ids %s', array_to_string(v_ids, ', ')));
    END IF;
    SELECT w.worker_id, w.name, w.in_hand INTO worker_id, name, in_hand FROM attune.worker w WHERE w.worker_id = v_ids[1] FOR UPDATE;
    SELECT count(*), coalesce(sum(s.waiting), 0) INTO lanes, waiting FROM attune.lane l LEFT JOIN LATERAL (
        SELECT n.waiting FROM attune.lane_sample n WHERE n.lane_id = l.lane_id ORDER BY n.sampled_at DESC LIMIT 1) AS s ON true
    WHERE l.owner = v_ids[1];
    IF NOT attune.drain_worker(v_ids[1], p_state) THEN
        PERFORM attune.refuse('already_ended', format('worker %s', name), 'it drains, and a drain is not taken back',
            'start another: attune worker');
    END IF;
    state := p_state;
    INSERT INTO attune.audit (who, action, filter, counts, ended_at)
    VALUES (attune.caller(), 'set_worker', jsonb_build_object('worker', worker_id, 'name', name, 'state', p_state),
        jsonb_build_object('lanes', CASE p_state WHEN 'active' THEN 0 ELSE lanes END), clock_timestamp());
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.set_worker(text, text) IS 'Pauses a worker (paused: it claims nothing and keeps what it holds), lets it go on (active), or drains it (draining: it finishes and ends), by name or id; returns the lanes it had, the jobs that waited in them and the jobs it holds. It hears of it with its next heartbeat.';
