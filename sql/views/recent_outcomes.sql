-- From reports, not from outcomes: what is read does not grow with what ends. The rate is over this minute so far and the
-- one before, from the flow's first report in them on, less the few seconds that a report stands for.
CREATE OR REPLACE VIEW attune.recent_outcomes WITH (security_invoker = true) AS
SELECT coalesce(t.name, 'other') AS tenant, coalesce(f.name, 'all') AS flow, coalesce(k.name, '') AS kind,
    CASE s.ending WHEN 0 THEN 'retried' ELSE attune.ending_name(s.ending) END AS state,
    s.last_hour, s.lately / greatest(5, extract(epoch FROM clock_timestamp()
        - min(s.since) OVER (PARTITION BY s.tenant_id, s.flow_id)))::double precision AS per_second
FROM (
    SELECT m.tenant_id, m.flow_id, m.kind_id, m.ending, sum(m.jobs)::bigint AS last_hour,
        coalesce(sum(m.jobs) FILTER (WHERE m.minute >= w.lately), 0)::bigint AS lately,
        coalesce(min(m.since) FILTER (WHERE m.minute >= w.lately), clock_timestamp()) - interval '5 seconds' AS since
    FROM attune.outcomes_by_minute m,
        (SELECT date_bin('1 minute', clock_timestamp() - interval '1 minute', '2000-01-01 00:00:00+00') AS lately) AS w
    WHERE m.minute >= clock_timestamp() - interval '1 hour'
    GROUP BY m.tenant_id, m.flow_id, m.kind_id, m.ending
) AS s
LEFT JOIN attune.tenant t ON t.tenant_id = s.tenant_id
LEFT JOIN attune.flow f ON f.flow_id = s.flow_id
LEFT JOIN attune.kind k ON k.kind_id = s.kind_id;
COMMENT ON VIEW attune.recent_outcomes IS 'What became of jobs in the last hour and how many a second lately, by tenant, flow, kind and state; retried: they run again. A few seconds late.';
