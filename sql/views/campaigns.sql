-- Everything here is kept by the scheduler on rows that grow with waves, not with users.
CREATE OR REPLACE VIEW attune.campaigns WITH (security_invoker = true) AS
SELECT c.campaign_id, t.name AS tenant, b.name AS base, b.digest AS base_digest, k.name AS kind, c.purpose, c.state, c.phase, c.reason,
    c.round, greatest(c.wave, 0)::int AS wave, w.passed AS waves_passed, w.watching AS waves_watched, c.users, c.fed, c.ahead AS waiting,
    c.fed - c.ahead AS done, f.failed, c.left_over, c.rate, c.noted_at,
    CASE WHEN c.state = 'running' AND c.phase IN ('canary', 'waves') AND c.rate > 0
        THEN c.noted_at + make_interval(secs => least(greatest(c.users - c.fed + c.ahead, 0) / c.rate, 3e8)) END AS done_at,
    c.state = 'running' AND c.phase = 'ready' AND c.purpose = 'adopt' AS can_promote, a.epoch,
    o.name AS from_base, r.digest AS recipe, c.canary_users, c.wave_growth, c.judged_users, c.margin, c.error_rate,
    c.rate_limit, c.promotes_itself, c.rollback_window, c.parent_id, c.created_at, c.created_by, c.ready_at, c.promoted_at,
    c.window_ends_at, c.ended_at, c.warm_start
FROM attune.campaign c
JOIN attune.tenant t ON t.tenant_id = c.tenant_id
JOIN attune.base b ON b.base_id = c.base_id
JOIN attune.kind k ON k.kind_id = c.kind_id
LEFT JOIN attune.base o ON o.base_id = c.from_base_id
LEFT JOIN attune.recipe r ON r.recipe_id = c.recipe_id
LEFT JOIN attune.active_base a ON a.tenant_id = c.tenant_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE n.verdict IN ('passed', 'accepted', 'unjudged')) AS passed,
        count(*) FILTER (WHERE n.verdict = 'watching') AS watching
    FROM attune.campaign_wave n WHERE n.campaign_id = c.campaign_id AND n.round = c.round
) AS w
CROSS JOIN LATERAL (
    SELECT count(*) AS failed FROM (
        SELECT FROM attune.outcome n JOIN attune.job j ON j.job_id = n.job_id
        WHERE n.tenant_id = c.tenant_id AND n.ending = 6 AND n.job_id >= c.first_job AND j.campaign_id = c.campaign_id LIMIT 10001) AS d
) AS f;
COMMENT ON VIEW attune.campaigns IS 'Re-adaptations of a tenant''s users under a base: how far, how fast, until when, what failed (counted up to 10,001), whether it may be promoted, and how long the way back stays open.';

CREATE OR REPLACE VIEW attune.campaign_waves WITH (security_invoker = true) AS
SELECT w.campaign_id, t.name AS tenant, w.round, w.wave, w.planned_users, w.fed, w.verdict, w.judged, w.difference, w.lower_bound,
    w.upper_bound, c.margin, w.looks, w.began_at, w.decided_at, w.round = c.round AS is_current
FROM attune.campaign_wave w
JOIN attune.campaign c ON c.campaign_id = w.campaign_id
JOIN attune.tenant t ON t.tenant_id = w.tenant_id;
COMMENT ON VIEW attune.campaign_waves IS 'Waves of campaigns and how they were judged: difference is held-out log loss under the new base less that under the old, in nats; its bounds are always valid, however often one looks.';
