-- $1 campaign integer
-- How the waves of a campaign's present round were judged.
SELECT wave::int, planned_users, fed, verdict, judged, difference, lower_bound, upper_bound, margin, looks, began_at, decided_at
FROM attune.campaign_waves WHERE campaign_id = $1 AND is_current ORDER BY wave
