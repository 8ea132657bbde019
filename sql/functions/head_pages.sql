-- What a look costs is asked of the look itself: no statistic knows how many dead entries lie before a lane's head.
CREATE OR REPLACE FUNCTION attune.head_pages(p_lane int) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
    v_plan json;
BEGIN
    EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT c.chunk_id FROM attune.chunk c
        WHERE c.lane = %s AND c.state = 0 ORDER BY c.sort_key, c.chunk_id LIMIT 1', p_lane) INTO v_plan;
    RETURN (v_plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (v_plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
END
$$;
COMMENT ON FUNCTION attune.head_pages(int) IS 'Pages that a look for the first waiting chunk of a lane reads, dead entries before it included.';
