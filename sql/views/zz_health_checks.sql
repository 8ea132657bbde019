-- Checks that came after the table. Limits that somebody has changed stay.
INSERT INTO attune.health_check (name, unit, worse, warn_at, bad_at, passes) VALUES
    ('bases', 'chunks', 'above', 10, 'Infinity', 'workers hold the bases of what they are given')
ON CONFLICT (name) DO NOTHING;
