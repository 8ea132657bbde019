-- Campaigns to feed, and how many of their jobs still wait or run (counted up to 10,001).
SELECT c.campaign_id, c.cursor_uid,
    (SELECT coalesce(sum(n.job_count), 0)::bigint FROM (
        SELECT k.job_count FROM attune.chunk k
        WHERE k.campaign_id = c.campaign_id AND k.state < 4 LIMIT 10001) AS n) AS ahead
FROM attune.campaign c WHERE c.state = 'running' ORDER BY c.campaign_id
