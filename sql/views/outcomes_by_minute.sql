-- Folded minutes, and reports that nobody has folded yet: a few seconds' worth, whoever folds.
CREATE OR REPLACE VIEW attune.outcomes_by_minute WITH (security_invoker = true) AS
SELECT m.minute, m.tenant_id, m.flow_id, m.kind_id, m.ending, m.since, m.jobs, m.examples, m.stored_bytes, m.stage_ms, m.latency
FROM attune.stat_minute m
UNION ALL
SELECT date_bin('1 minute', d.at, '2000-01-01 00:00:00+00'), d.tenant_id, d.flow_id, d.kind_id, d.ending, d.at, d.jobs, d.examples,
    d.stored_bytes, d.stage_ms, d.latency
FROM attune.stat_delta d WHERE d.born > (SELECT c.folded FROM attune.stat_cursor c);
COMMENT ON VIEW attune.outcomes_by_minute IS 'What became of jobs, by minute, tenant, flow, kind and ending (0: runs again; else as in outcome). Ask for a range of minutes; several rows may share a key.';
