-- How far the write-ahead log has been flushed: records behind that cannot be read yet.
SELECT pg_current_wal_flush_lsn()::text
