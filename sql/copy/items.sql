-- Takes items.
COPY pg_temp.attune_items (item, text) FROM STDIN (FORMAT binary)
