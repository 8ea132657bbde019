-- One migrator at a time, until the transaction ends; a transaction's lock works through poolers too.
SELECT pg_advisory_xact_lock(hashtextextended('attune.schema_version', 0))
