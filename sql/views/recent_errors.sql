-- The newest by job, so that what is read does not grow with what failed.
CREATE OR REPLACE VIEW attune.recent_errors WITH (security_invoker = true) AS
SELECT t.name AS tenant, coalesce(o.error_class, 'unnamed') AS error_class, count(*) AS discarded, min(o.finished_at) AS first_at,
    max(o.finished_at) AS last_at
FROM attune.tenant t CROSS JOIN LATERAL (
    SELECT n.error_class, n.finished_at FROM attune.outcome n
    WHERE n.tenant_id = t.tenant_id AND n.ending = 6 ORDER BY n.job_id DESC LIMIT 200) AS o
WHERE o.finished_at > (SELECT clock_timestamp()) - interval '1 hour'
GROUP BY t.name, o.error_class;
COMMENT ON VIEW attune.recent_errors IS 'Why jobs were discarded in the last hour, by tenant, among the tenant''s 200 newest.';
