-- Findings with their measure, worst first.
SELECT name, subject, status, measured, unit, warn_at, bad_at, what, if_left, helps, since FROM attune.health
ORDER BY array_position(ARRAY['bad', 'warn', 'ok'], status), name, subject
