-- Looks at 256 lanes at most, from a random one on: many idle workers ask, and not all of them for the same lanes.
CREATE OR REPLACE FUNCTION attune.lanes_to_help(p_worker bigint, p_limit int DEFAULT 4)
RETURNS TABLE (lane_id int, mark_key bigint, mark_chunk bigint) LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off AS $$
    WITH span AS MATERIALIZED (
        SELECT min(l.lane_id) AS first, max(l.lane_id) AS last FROM attune.lane l
    ), start AS MATERIALIZED (
        SELECT s.first + floor(random() * (s.last - s.first + 1))::int AS lane_id FROM span s
    ), looked AS MATERIALIZED (
        SELECT a.* FROM (
            (SELECT l.lane_id, l.owner FROM attune.lane l, start s WHERE l.lane_id >= s.lane_id ORDER BY l.lane_id LIMIT 256)
            UNION
            (SELECT l.lane_id, l.owner FROM attune.lane l ORDER BY l.lane_id LIMIT 256)
        ) AS a LIMIT 256
    )
    SELECT n.lane_id, n.mark_key, n.mark_chunk FROM looked l
    CROSS JOIN LATERAL (
        SELECT s.lane_id, s.mark_key, s.mark_chunk, s.waiting, s.head_at FROM attune.lane_sample s
        WHERE s.lane_id = l.lane_id ORDER BY s.sampled_at DESC LIMIT 1
    ) AS n, attune.setting t
    WHERE l.owner IS DISTINCT FROM p_worker AND n.waiting > 0 AND n.head_at < clock_timestamp() - make_interval(secs => t.help_seconds)
    ORDER BY random() LIMIT least(100, p_limit)
$$;
COMMENT ON FUNCTION attune.lanes_to_help(bigint, int) IS 'For a worker with nothing to do: lanes of others whose longest waiting job has waited for more than setting.help_seconds by their newest sample, in random order, with the mark to claim from.';
