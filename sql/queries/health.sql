-- Findings with their measure, worst first.
SELECT name, status, measured, unit, what, helps FROM attune.health
ORDER BY array_position(ARRAY['bad', 'warn', 'ok'], status), name
