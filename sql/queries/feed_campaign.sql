-- One step of a campaign.
-- $1 epoch bigint
-- $2 campaign integer
-- $3 cursor bigint
-- $4 users integer
SELECT cursor_uid, fed, is_end FROM attune.feed_campaign($1, $2, $3, $4)
