CREATE OR REPLACE FUNCTION attune.flow_drawn(p_flow int) RETURNS bigint LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(pg_sequence_last_value(to_regclass(format('attune.flow_%s_seq', p_flow))), 0)
$$;
COMMENT ON FUNCTION attune.flow_drawn(int) IS 'Jobs that a flow has been asked for since it was made, retries by hand included.';
