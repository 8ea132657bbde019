-- Jobs that have not ended, of one tenant or (null) of all that the caller sees.
-- $1 tenant text
SELECT coalesce(sum(b.waiting + b.running + b.deferred), 0)::bigint AS jobs, clock_timestamp() AS now
FROM attune.backlog b WHERE $1::text IS NULL OR b.tenant = $1
