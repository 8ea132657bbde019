-- Reads a row a lane, whatever waits: the newest sample is the last entry of the lane in the primary key.
CREATE OR REPLACE VIEW attune.lanes WITH (security_invoker = true) AS
SELECT l.lane_id, w.name AS worker, l.owner AS worker_id, l.generation, l.moved_at,
    s.waiting, s.cost_ms, s.head_at, s.exact, s.sampled_at, s.mark_key, s.mark_chunk,
    coalesce(s.sampled_at > clock_timestamp() - interval '30 seconds'
        OR (s.waiting = 0 AND s.worker_id = l.owner AND w.state IN ('active', 'paused') AND w.lease_until > clock_timestamp()), false) AS is_fresh,
    s.flows, s.flow_waiting, s.flow_cost_ms, s.flow_head_at
FROM attune.lane l
LEFT JOIN attune.worker w ON w.worker_id = l.owner
LEFT JOIN LATERAL (
    SELECT n.* FROM attune.lane_sample n WHERE n.lane_id = l.lane_id ORDER BY n.sampled_at DESC LIMIT 1
) AS s ON true;
COMMENT ON VIEW attune.lanes IS 'Lanes: who owns them, and what waited there when their owner last looked (jobs, work in milliseconds of a reference worker, since when); null where nobody has looked yet.';
COMMENT ON COLUMN attune.lanes.exact IS 'False: waiting and cost_ms are estimates.';
COMMENT ON COLUMN attune.lanes.is_fresh IS 'Looked at within 30 s, or empty since its live owner said so.';

CREATE OR REPLACE VIEW attune.lane_flows WITH (security_invoker = true) AS
SELECT l.lane_id, f.flow_id, f.waiting, f.cost_ms, f.head_at, extract(epoch FROM clock_timestamp() - f.head_at)::double precision AS head_age,
    l.mark_key, l.mark_chunk, l.exact, l.is_fresh, l.sampled_at
FROM attune.lanes l CROSS JOIN LATERAL unnest(l.flows, l.flow_waiting, l.flow_cost_ms, l.flow_head_at)
    AS f (flow_id, waiting, cost_ms, head_at);
COMMENT ON VIEW attune.lane_flows IS 'What waits in each lane by flow, from the lane''s newest sample; flows without work there have no row.';
