-- Items of a catalogue, after attune.catalogue_begin() in the same transaction.
COPY pg_temp.attune_items (external_id, text) FROM STDIN (FORMAT binary)
