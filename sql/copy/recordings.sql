-- Takes recordings.
COPY pg_temp.attune_recording (user_id, items, labels, texts) FROM STDIN (FORMAT binary)
