-- Bytes of records between two positions, full-page images apart.
-- $1 start text: a position
-- $2 until text
SELECT sum(record_size)::bigint AS records, sum(fpi_size)::bigint AS images FROM bench.pg_get_wal_stats($1::text::pg_lsn, $2::text::pg_lsn)
