-- A record of the log, whose commit flushes all before it.
SELECT pg_logical_emit_message(true, 'attune bench', '')
