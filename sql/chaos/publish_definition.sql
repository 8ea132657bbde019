-- The function that publishes, as it stands in this database.
SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'attune'::regnamespace AND p.proname = 'publish'
