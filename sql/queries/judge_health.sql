-- Judges readings by the limits; since: when the leader first saw it so.
-- $1 checked text[]
-- $2 names text[]
-- $3 subjects text[]
-- $4 measured double precision[]
-- $5 what text[]
-- $6 if_left text[]
-- $7 helps text[]
SELECT j.name, j.subject, j.status, j.measured, j.unit, j.warn_at, j.bad_at, j.what, j.if_left, j.helps,
    (SELECT f.since FROM attune.finding f
     WHERE f.name = j.name AND f.subject = j.subject AND f.status = j.status AND f.ended_at IS NULL) AS since
FROM attune.judge_health($1, $2, $3, $4, $5, $6, $7) AS j
ORDER BY array_position(ARRAY['bad', 'warn', 'ok'], j.status), j.name, j.subject
