CREATE OR REPLACE VIEW attune.recent_outcomes WITH (security_invoker = true) AS
SELECT t.name AS tenant, attune.ending_name(o.ending) AS state, o.error_class, count(*) AS last_hour,
    count(*) FILTER (WHERE o.finished_at > clock_timestamp() - interval '1 minute') AS last_minute, max(o.finished_at) AS newest
FROM attune.outcome o JOIN attune.tenant t ON t.tenant_id = o.tenant_id
WHERE o.finished_at > clock_timestamp() - interval '1 hour'
GROUP BY t.name, o.ending, o.error_class;
COMMENT ON VIEW attune.recent_outcomes IS 'How jobs ended in the last hour and the last minute, by tenant, state and error class.';
