-- The flow's sequences are drawn for each job, so that a bulk of 1,000 advances its flow as far as 1,000 single jobs do: one by
-- one, and whole hundreds from a sequence that counts by hundreds, which costs a bulk ten draws instead of a thousand.
-- No row is updated: a hot flow row would serialise the producer's own transactions.
--
-- A flow that was idle finds its sequences behind virtual time and moves them there: idleness saves up no burst, and nobody
-- has to visit idle flows. Two that find them behind at once set them to the same number; their jobs share a tag.
--
-- The lock is held to the end of the transaction: attune.advance_fair_clock asks for it before virtual time leaps. It is
-- shared, and nobody ever waits for it but while that takes place, when nothing else does.
CREATE OR REPLACE FUNCTION attune.fair_tag(flow_id int, jobs bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_flow record;
    v_ones regclass := format('attune.flow_%s_seq', fair_tag.flow_id);
    v_hundreds regclass := format('attune.flow_%s_hundreds_seq', fair_tag.flow_id);
    v_bulk boolean := jobs >= 100;
    v_one bigint;
    v_hundred bigint;
    v_first bigint;
    v_least bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('attune.fair_tag', 0));
    SELECT f.base_tag, 1000.0 / f.weight AS step, c.virtual_time - f.lag AS floor INTO v_flow
    FROM attune.flow f, attune.fair_clock c WHERE f.flow_id = fair_tag.flow_id;
    v_one := CASE WHEN v_bulk THEN coalesce(pg_sequence_last_value(v_ones), 0) ELSE nextval(v_ones) END;
    v_hundred := CASE WHEN v_bulk THEN nextval(v_hundreds) - 99 ELSE coalesce(pg_sequence_last_value(v_hundreds), 0) END;
    v_first := v_one + v_hundred;
    IF v_flow.base_tag + (v_first * v_flow.step)::bigint < v_flow.floor THEN
        v_least := ceil((v_flow.floor - v_flow.base_tag) / v_flow.step);
        PERFORM setval(v_ones, greatest(1, v_least - v_hundred));
    END IF;
    IF jobs > 1 THEN
        PERFORM count(nextval(v_hundreds)) FROM generate_series(2, jobs / 100);
        PERFORM count(nextval(v_ones)) FROM generate_series(CASE WHEN v_bulk THEN 1 ELSE 2 END, jobs % 100);
    END IF;
    RETURN CASE WHEN v_least IS NULL THEN v_flow.base_tag + (v_first * v_flow.step)::bigint ELSE v_flow.floor END;
END
$$;
COMMENT ON FUNCTION attune.fair_tag(int, bigint) IS 'Start tag of the next jobs of a flow; each advances the flow by 1000 / weight.';
