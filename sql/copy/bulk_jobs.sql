-- Rows of a bulk, after attune.bulk_begin() in the same transaction.
COPY pg_temp.attune_bulk (user_id, payload, dedup_key, trace) FROM STDIN (FORMAT binary)
