CREATE OR REPLACE VIEW attune.recent_latency WITH (security_invoker = true) AS
SELECT coalesce(t.name, 'other') AS tenant, coalesce(f.name, 'all') AS flow, g.stage, h.jobs,
    (h.stage_ms[g.n] / h.jobs)::bigint AS mean_ms, attune.latency_quantile(h.latency[g.n * 20 - 19 : g.n * 20], .5) AS p50_ms,
    attune.latency_quantile(h.latency[g.n * 20 - 19 : g.n * 20], .99) AS p99_ms
FROM (
    SELECT m.tenant_id, m.flow_id, sum(m.jobs) AS jobs, attune.sum_arrays(m.stage_ms) AS stage_ms, attune.sum_arrays(m.latency) AS latency
    FROM attune.outcomes_by_minute m
    WHERE m.minute >= clock_timestamp() - interval '1 hour' AND m.latency IS NOT NULL
    GROUP BY m.tenant_id, m.flow_id
) AS h
CROSS JOIN unnest(ARRAY['fetch', 'adapt', 'encode', 'upload']) WITH ORDINALITY AS g (stage, n)
LEFT JOIN attune.tenant t ON t.tenant_id = h.tenant_id
LEFT JOIN attune.flow f ON f.flow_id = h.flow_id;
COMMENT ON VIEW attune.recent_latency IS 'How long the stages of the last hour''s deliveries took, by tenant and flow; quantiles are rounded up to powers of two. A delivery''s time counts once for each of its jobs.';
