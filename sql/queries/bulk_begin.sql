-- Makes the temporary table that a bulk is copied into.
SELECT attune.bulk_begin()
