CREATE OR REPLACE VIEW attune.lanes WITH (security_invoker = true) AS
SELECT l.lane_id, w.name AS worker, l.owner AS worker_id, l.generation, l.moved_at, h.sort_key AS head_key, h.chunk_id AS head_chunk,
    d.chunks AS waiting_chunks, d.cost_ms AS waiting_cost_ms
FROM attune.lane l
LEFT JOIN attune.worker w ON w.worker_id = l.owner
LEFT JOIN LATERAL (
    SELECT c.sort_key, c.chunk_id FROM attune.chunk c WHERE c.lane = l.lane_id AND c.state = 0 ORDER BY c.sort_key, c.chunk_id LIMIT 1
) AS h ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS chunks, coalesce(sum(n.cost_ms), 0) AS cost_ms
    FROM (SELECT c.cost_ms FROM attune.chunk c WHERE c.lane = l.lane_id AND c.state = 0 LIMIT 20001) AS n
) AS d ON true;
COMMENT ON VIEW attune.lanes IS 'Lanes: who owns them and what waits there; counts stop at 20,001 chunks.';
