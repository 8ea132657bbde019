-- In a transaction that stays open: no row that dies from now on can be removed, and no later transaction is the oldest.
SELECT pg_current_xact_id()::text
