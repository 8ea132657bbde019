-- The flow's sequence is drawn once a job, so that a bulk of 1,000 advances its flow as far as 1,000 single jobs do.
-- No row is updated: a hot flow row would serialise the producer's own transactions.
--
-- A flow that was idle finds its sequence behind virtual time and moves it there: idleness saves up no burst, and nobody
-- has to visit idle flows. Two that find it behind at once set it to the same number; their jobs share a tag.
--
-- The lock is held to the end of the transaction: attune.advance_fair_clock asks for it before virtual time leaps. It is
-- shared, and nobody ever waits for it but while that takes place, when nothing else does.
CREATE OR REPLACE FUNCTION attune.fair_tag(flow_id int, jobs bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_flow record;
    v_counter regclass := format('attune.flow_%s_seq', fair_tag.flow_id);
    v_tag bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('attune.fair_tag', 0));
    SELECT f.base_tag, 1000.0 / f.weight AS step, c.virtual_time - f.lag AS floor INTO v_flow
    FROM attune.flow f, attune.fair_clock c WHERE f.flow_id = fair_tag.flow_id;
    v_tag := v_flow.base_tag + (nextval(v_counter) * v_flow.step)::bigint;
    IF v_tag < v_flow.floor THEN
        PERFORM setval(v_counter, ceil((v_flow.floor - v_flow.base_tag) / v_flow.step)::bigint);
        v_tag := v_flow.floor;
    END IF;
    IF jobs > 1 THEN
        PERFORM count(nextval(v_counter)) FROM generate_series(2, jobs);
    END IF;
    RETURN v_tag;
END
$$;
COMMENT ON FUNCTION attune.fair_tag(int, bigint) IS 'Start tag of the next jobs of a flow; each advances the flow by 1000 / weight.';
