-- The flow's sequence is drawn once a job, so that a bulk of 1,000 advances its flow as far as 1,000 single jobs do.
-- No row is updated: a hot flow row would serialise the producer's own transactions.
CREATE OR REPLACE FUNCTION attune.fair_tag(flow_id int, jobs bigint) RETURNS bigint LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest(c.virtual_time, f.base_tag + (drawn.first * 1000.0 / f.weight)::bigint)
    FROM attune.flow f, attune.fair_clock c,
        (SELECT min(nextval(format('attune.flow_%s_seq', fair_tag.flow_id)::regclass)) AS first
         FROM generate_series(1, fair_tag.jobs)) AS drawn
    WHERE f.flow_id = fair_tag.flow_id
$$;
COMMENT ON FUNCTION attune.fair_tag(int, bigint) IS 'Start tag of the next jobs of a flow; each advances the flow by 1000 / weight.';
