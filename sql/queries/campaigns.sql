-- Campaigns, newest first, of one tenant or (null) of all that the caller sees; one of them by number.
-- $1 tenant text
-- $2 campaign integer
SELECT campaign_id, tenant, base, base_digest, purpose, state, phase, reason, round::int, wave, waves_passed, waves_watched, users,
    fed, waiting, done, failed, left_over, rate, noted_at, done_at, can_promote, epoch, from_base, recipe,
    rate_limit, created_at, promoted_at, window_ends_at, ended_at
FROM attune.campaigns
WHERE ($1::text IS NULL OR tenant = $1) AND ($2::int IS NULL OR campaign_id = $2)
ORDER BY campaign_id DESC LIMIT 200
