-- Ends what may bring more work, so that everything can come to its end.
SELECT attune.cancel_campaign(c.campaign_id) FROM attune.campaign c WHERE c.state IN ('running', 'paused')
