-- Users' examples, after attune.record_begin() in the same transaction.
COPY pg_temp.attune_recording (user_id, items, labels, texts) FROM STDIN (FORMAT binary)
