-- Makes the temporary table that recordings are copied into.
SELECT attune.record_begin()
