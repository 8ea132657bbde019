-- Campaigns that are to be fed, judged or ended, as far as they have come; jobs ahead and workers are counted here.
SELECT c.campaign_id, c.purpose, c.state, c.phase, c.round::int, c.wave::int, c.cursor_uid, c.fed,
    (SELECT coalesce(sum(n.job_count), 0)::bigint FROM (
        SELECT k.job_count FROM attune.chunk k
        WHERE k.campaign_id = c.campaign_id AND k.state < 4 AND k.flow_id = (
            SELECT f.flow_id FROM attune.flow f WHERE f.tenant_id = c.tenant_id AND f.name = 'campaign') LIMIT 10001) AS n) AS ahead,
    coalesce(c.users, 0) AS users, c.canary_users, c.wave_growth::double precision, c.judged_users, c.margin::double precision,
    c.error_rate::double precision, c.rate_limit::double precision, c.promotes_itself, c.pass, c.pass_found, c.left_over,
    extract(epoch FROM clock_timestamp() - c.pass_ended_at)::double precision AS seconds_since_pass,
    coalesce(c.window_ends_at < clock_timestamp(), false) AS is_window_over,
    c.purpose = 'adopt' AND c.recipe_id IS DISTINCT FROM (
        SELECT r.recipe_id FROM attune.active_recipe r
        WHERE r.tenant_id = c.tenant_id AND r.base_id = c.base_id AND r.kind_id = c.kind_id) AS has_other_recipe,
    coalesce(c.base_id = c.from_base_id, false) AS is_under_active_base,
    (SELECT count(*)::int FROM attune.worker n WHERE n.state = 'active' AND n.lease_until > clock_timestamp()) AS workers,
    w.waves, w.planned, w.fed AS waves_fed, w.verdicts, w.looked, w.judged, w.means, w.deviations
FROM attune.campaign c
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(v.wave::int ORDER BY v.wave), '{}') AS waves, coalesce(array_agg(v.planned_users ORDER BY v.wave), '{}') AS planned,
        coalesce(array_agg(v.fed ORDER BY v.wave), '{}') AS fed, coalesce(array_agg(v.verdict ORDER BY v.wave), '{}') AS verdicts,
        coalesce(array_agg(v.judged ORDER BY v.wave), '{}') AS looked, coalesce(array_agg(j.users ORDER BY v.wave), '{}') AS judged,
        coalesce(array_agg(j.mean ORDER BY v.wave), '{}') AS means, coalesce(array_agg(j.deviation ORDER BY v.wave), '{}') AS deviations
    FROM attune.campaign_wave v CROSS JOIN LATERAL (
        SELECT count(*)::int AS users, coalesce(avg(d.loss_after - d.loss_before), 0) AS mean,
            coalesce(stddev_samp(d.loss_after - d.loss_before), 0) AS deviation
        FROM attune.campaign_judgement d
        WHERE d.campaign_id = c.campaign_id AND d.round = v.round AND d.wave = v.wave AND v.verdict = 'watching') AS j
    WHERE v.campaign_id = c.campaign_id AND v.round = c.round
) AS w
WHERE c.state IN ('running', 'promoted') ORDER BY c.campaign_id
