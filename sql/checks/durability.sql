-- Settings under which a crash of the server loses what was accepted.
SELECT s.name AS subject, 1::double precision AS measured, format('%s is off', s.name) AS what,
    CASE s.name WHEN 'synchronous_commit' THEN 'a crash of the server loses the last moments of what was accepted and published'
        ELSE 'a crash of the machine may lose or damage anything; for tests only' END AS if_left,
    CASE s.name WHEN 'synchronous_commit' THEN 'set it on for the database and its roles; Attune turns it off itself where that is safe'
        ELSE format('ALTER SYSTEM SET %s = on; SELECT pg_reload_conf();', s.name) END AS helps
FROM unnest(ARRAY['fsync', 'full_page_writes', 'synchronous_commit']) AS s (name) WHERE current_setting(s.name) = 'off'
