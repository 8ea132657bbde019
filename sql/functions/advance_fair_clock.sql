-- Virtual time is the smallest key that waits in any lane, never less than before; probes start there, so that dead
-- index entries below it are not read again. When nothing waits it is the largest tag given out: all that was asked for
-- has been handed out, so that nobody starts behind for having used what was idle.
--
-- Whoever draws tags holds a lock, shared, until its jobs can be seen (attune.fair_tag). While anyone does, virtual time
-- does not leap: or everyone's next job would wait behind the whole of a bulk that took long to commit, whose tags were
-- drawn before the leap.
CREATE OR REPLACE FUNCTION attune.advance_fair_clock() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_clock attune.fair_clock;
    v_head bigint;
    v_may_leap boolean := false;
BEGIN
    SELECT c.* INTO v_clock FROM attune.fair_clock c FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;  -- another process is at it
    END IF;
    FOR v_look IN 1 .. 2 LOOP
        SELECT min(h.sort_key) INTO v_head
        FROM attune.lane l CROSS JOIN LATERAL (
            SELECT c.sort_key FROM attune.chunk c
            WHERE c.lane = l.lane_id AND c.state = 0 AND c.sort_key >= v_clock.virtual_time ORDER BY c.sort_key LIMIT 1) AS h;
        EXIT WHEN v_head IS NOT NULL OR v_may_leap OR v_clock.settled_at > clock_timestamp() - interval '5 seconds';
        v_may_leap := pg_try_advisory_xact_lock(hashtextextended('attune.fair_tag', 0));
        EXIT WHEN NOT v_may_leap;  -- else look again: now all that tags were drawn for is to be seen
    END LOOP;
    IF v_head IS NULL AND v_may_leap THEN
        v_clock.settled_at := clock_timestamp();
        SELECT max(f.base_tag + (attune.flow_drawn(f.flow_id) * 1000.0 / f.weight)::bigint) INTO v_head
        FROM attune.flow f;
    END IF;
    v_clock.virtual_time := greatest(v_clock.virtual_time, v_head);
    UPDATE attune.fair_clock SET virtual_time = v_clock.virtual_time, advanced_at = clock_timestamp(),
        settled_at = v_clock.settled_at;

    -- What was cancelled before it ran gives its tags back; a flow that is then behind is brought up at its next job.
    WITH taken AS (
        DELETE FROM attune.flow_refund r
        WHERE r.refund_id IN (SELECT n.refund_id FROM attune.flow_refund n ORDER BY n.refund_id LIMIT 10000)
        RETURNING r.flow_id, r.jobs
    )
    UPDATE attune.flow f SET base_tag = f.base_tag - (t.jobs * 1000.0 / f.weight)::bigint
    FROM (SELECT flow_id, sum(jobs) AS jobs FROM taken GROUP BY flow_id) AS t WHERE f.flow_id = t.flow_id;

    -- New jobs of a tenant whose work is parked are tagged from there on, or its next interactive job would wait for all
    -- of its bulk that virtual time has passed meanwhile.
    WITH behind AS (
        SELECT p.tenant_id, greatest(0, v_clock.virtual_time - min(p.head_key)) AS lag FROM attune.parked_tenants() AS p
        GROUP BY p.tenant_id
    )
    UPDATE attune.flow f SET lag = n.lag
    FROM (SELECT g.flow_id, coalesce(b.lag, 0) AS lag FROM attune.flow g LEFT JOIN behind b ON b.tenant_id = g.tenant_id) AS n
    WHERE f.flow_id = n.flow_id AND f.lag <> n.lag;
    RETURN v_clock.virtual_time;
END
$$;
COMMENT ON FUNCTION attune.advance_fair_clock() IS 'Moves virtual time to the smallest waiting key and takes back the tags of cancelled jobs; once a tick, by one process.';
