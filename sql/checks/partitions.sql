-- Chunk ids for which there are partitions already.
SELECT '' AS subject, n.ids::double precision AS measured, format('partitions reach %s chunk ids ahead', n.ids) AS what,
    'when they are used up, enqueueing fails' AS if_left, 'SELECT attune.add_partitions();  -- live workers and schedulers do it' AS helps
FROM (SELECT (SELECT max(h.end_chunk) FROM attune.history_part h) - q.last_value AS ids FROM attune.chunk_id_seq q) AS n
