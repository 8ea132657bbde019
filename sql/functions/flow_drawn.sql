-- In plpgsql: what names the sequences must be looked up when it runs.
CREATE OR REPLACE FUNCTION attune.flow_drawn(flow_id int) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(pg_sequence_last_value(format('attune.flow_%s_seq', flow_id)::regclass), 0)
        + coalesce(pg_sequence_last_value(format('attune.flow_%s_hundreds_seq', flow_id)::regclass), 0);
END
$$;
COMMENT ON FUNCTION attune.flow_drawn(int) IS 'How many jobs of a flow have drawn a fair tag, less what moves to virtual time have skipped: the two sequences of the flow together.';
