-- Virtual time is the smallest key that waits in any lane, never less than before; probes start there, so that dead
-- index entries below it are not read again. An idle flow's base follows, so that idleness saves up no burst.
CREATE OR REPLACE FUNCTION attune.advance_fair_clock() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before bigint;
    head bigint;
BEGIN
    SELECT virtual_time INTO before FROM attune.fair_clock FOR UPDATE SKIP LOCKED;
    IF before IS NULL THEN
        RETURN NULL;  -- another process is at it
    END IF;
    SELECT min(h.sort_key) INTO head
    FROM attune.lane l CROSS JOIN LATERAL (
        SELECT c.sort_key FROM attune.chunk c
        WHERE c.lane = l.lane_id AND c.state = 0 AND c.sort_key >= before ORDER BY c.sort_key LIMIT 1) AS h;
    UPDATE attune.fair_clock SET virtual_time = coalesce(head, before), advanced_at = clock_timestamp();
    UPDATE attune.flow f SET base_tag = behind.base_tag
    FROM (
        SELECT g.flow_id, coalesce(head, before) - (coalesce(s.last_value, 0) * 1000.0 / g.weight)::bigint AS base_tag
        FROM attune.flow g LEFT JOIN pg_sequences s
            ON s.schemaname = 'attune' AND s.sequencename = format('flow_%s_seq', g.flow_id)
    ) AS behind
    WHERE f.flow_id = behind.flow_id AND behind.base_tag > f.base_tag;
    RETURN coalesce(head, before);
END
$$;
COMMENT ON FUNCTION attune.advance_fair_clock() IS 'Moves virtual time to the smallest waiting key and raises the bases of idle flows; once a tick, by one process.';
