-- Reads at most p_budget chunks in all, each lane from its mark: what was claimed and is dead before the mark costs
-- nothing. Past the first chunks, a flow's rest is told by its tags: they grow evenly up to the last one it drew.
CREATE OR REPLACE FUNCTION attune.sample_lanes(
    p_worker bigint, p_lanes int[], p_mark_keys bigint[], p_mark_chunks bigint[], p_budget int DEFAULT 100000
) RETURNS TABLE (lane_id int, waiting bigint, cost_ms double precision, head_at timestamptz, exact boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    v_cap constant int := least(20000, greatest(500, p_budget / greatest(1, cardinality(p_lanes))));
    v_flows int[];
    v_waiting bigint[];
    v_costs double precision[];
    v_heads timestamptz[];
    v_exact boolean;
    v_first bigint;
    v_last bigint;
    v_chunks bigint;
    v_before record;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR i IN 1 .. cardinality(p_lanes) LOOP
        WITH look AS MATERIALIZED (
            SELECT c.chunk_id, c.sort_key, c.tenant_id, c.kind_id, c.flow_id, c.cost_ms, c.job_count, c.ended_count, c.members[1] AS member
            FROM attune.chunk c
            WHERE c.lane = p_lanes[i] AND c.state = 0 AND (c.sort_key, c.chunk_id) > (p_mark_keys[i], p_mark_chunks[i])
            ORDER BY c.sort_key, c.chunk_id LIMIT v_cap
        ), seen AS (
            SELECT count(*) AS chunks, min(l.sort_key) AS first, max(l.sort_key) AS last FROM look l
        ), flow AS (
            SELECT l.flow_id, l.tenant_id, sum(l.job_count - l.ended_count) AS jobs, min(l.sort_key) AS first, min(l.chunk_id) AS oldest,
                sum(l.cost_ms::double precision * (l.job_count - l.ended_count) / l.job_count * coalesce(f.factor, 1)) AS cost_ms
            FROM look l LEFT JOIN attune.cost_factor f ON f.tenant_id = l.tenant_id AND f.kind_id = l.kind_id
            GROUP BY l.flow_id, l.tenant_id
        ), grown AS (
            SELECT f.flow_id, f.jobs, f.cost_ms, f.oldest,
                CASE WHEN s.chunks < v_cap OR s.last <= f.first THEN 1
                ELSE greatest(1, (g.base_tag + attune.flow_drawn(g.flow_id) * 1000.0 / g.weight - f.first) / (s.last - f.first)) END AS times
            FROM flow f JOIN attune.flow g ON g.flow_id = f.flow_id, seen s
        )
        SELECT coalesce(array_agg(w.flow_id ORDER BY w.flow_id), '{}'),
            coalesce(array_agg((w.jobs * w.times)::bigint ORDER BY w.flow_id), '{}'),
            coalesce(array_agg(w.cost_ms * w.times ORDER BY w.flow_id), '{}'),
            coalesce(array_agg((
                SELECT j.enqueued_at FROM attune.job j WHERE j.job_id = coalesce(
                    (SELECT l.member FROM look l WHERE l.chunk_id = w.oldest),
                    (SELECT min(h.job_id) FROM attune.job h WHERE h.job_id >= w.oldest * 1024 AND h.job_id < w.oldest * 1024 + 1024))
            ) ORDER BY w.flow_id), '{}'), coalesce(max(s.chunks), 0)
        INTO v_flows, v_waiting, v_costs, v_heads, v_chunks
        FROM grown w, seen s;
        v_exact := v_chunks < v_cap;

        lane_id := p_lanes[i];
        waiting := coalesce((SELECT sum(n) FROM unnest(v_waiting) AS n), 0);
        cost_ms := coalesce((SELECT sum(n) FROM unnest(v_costs) AS n), 0);
        head_at := (SELECT min(h) FROM unnest(v_heads) AS h);
        exact := v_exact;
        -- An empty lane is told of once, by whoever owns it.
        SELECT s.waiting, s.worker_id INTO v_before FROM attune.lane_sample s
        WHERE s.lane_id = p_lanes[i] ORDER BY s.sampled_at DESC LIMIT 1;
        IF NOT FOUND OR waiting > 0 OR v_before.waiting > 0 OR v_before.worker_id IS DISTINCT FROM p_worker THEN
            INSERT INTO attune.lane_sample (lane_id, worker_id, waiting, cost_ms, head_at, mark_key, mark_chunk, exact, flows,
                flow_waiting, flow_cost_ms, flow_head_at)
            VALUES (p_lanes[i], p_worker, waiting, cost_ms, head_at, p_mark_keys[i], p_mark_chunks[i], v_exact, v_flows,
                v_waiting, v_costs, v_heads);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION attune.sample_lanes(bigint, int[], bigint[], bigint[], int) IS 'Adds a row of attune.lane_sample for each lane that has work, or whose emptiness is news: what waits after the owner''s low-water mark (its arrays are given in the order of the lanes). Reads at most that many chunks in all, and 20,000 a lane.';
