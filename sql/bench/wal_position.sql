-- Where the write-ahead log ends now.
SELECT pg_current_wal_insert_lsn()::text
