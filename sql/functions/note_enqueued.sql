-- A flow's sequence is drawn once a job: that counts what was asked for, at no cost to who asks. Three times a minute is
-- enough, and reads no more than there are flows.
CREATE OR REPLACE FUNCTION attune.note_enqueued() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_cursor attune.stat_cursor;
    v_flows int[];
    v_drawn bigint[];
BEGIN
    SELECT c.* INTO v_cursor FROM attune.stat_cursor c;
    IF v_cursor.drawn_at > clock_timestamp() - interval '20 seconds' THEN
        RETURN;
    END IF;
    SELECT array_agg(f.flow_id ORDER BY f.flow_id), array_agg(attune.flow_drawn(f.flow_id) ORDER BY f.flow_id) INTO v_flows, v_drawn
    FROM attune.flow f;
    INSERT INTO attune.stat_delta (worker_id, beat, tenant_id, flow_id, kind_id, ending, jobs)
    SELECT 0, nextval('attune.stat_beat_seq'), f.tenant_id, f.flow_id, 0, 7, n.drawn - coalesce(b.drawn, 0)
    FROM unnest(v_flows, v_drawn) AS n (flow_id, drawn) JOIN attune.flow f ON f.flow_id = n.flow_id
    LEFT JOIN unnest(v_cursor.flows, v_cursor.drawn) AS b (flow_id, drawn) ON b.flow_id = n.flow_id
    WHERE v_cursor.drawn_at IS NOT NULL AND n.drawn > coalesce(b.drawn, 0);
    UPDATE attune.stat_cursor c SET flows = v_flows, drawn = v_drawn, drawn_at = clock_timestamp();
END
$$;
COMMENT ON FUNCTION attune.note_enqueued() IS 'Reports how many jobs each flow has been asked for since the call before.';
