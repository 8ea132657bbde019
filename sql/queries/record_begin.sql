-- Makes the temporary table that users' examples are copied into.
SELECT attune.record_begin()
