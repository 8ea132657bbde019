-- On a small disk: log files are recycled early.
ALTER SYSTEM SET max_wal_size = '768MB'
