-- pgbench: the queue's own claim and publish, each job kept, with what the claim gave carried by the client.
\set lane :first_lane + random(0, :lanes / :clients - 1) * :clients + :client_id
WITH c AS MATERIALIZED (
    SELECT * FROM attune.claim(:worker::bigint, :lane::int, 1e9, :budget::int) WHERE chunk_id IS NOT NULL
), j AS MATERIALIZED (
    SELECT c.chunk_id, x.* FROM c, unnest(c.job_ids, c.epochs, c.parents, c.data_seqs) AS x (id, epoch, parent, data_seq)
)
SELECT coalesce((SELECT array_agg(chunk_id) FROM c), '{}') AS chunks, coalesce((SELECT array_agg(attempt) FROM c), '{}') AS attempts,
    coalesce((SELECT array_agg(token) FROM c), '{}') AS tokens, coalesce(array_agg(j.id), '{}') AS jobs,
    coalesce(array_agg(j.chunk_id), '{}') AS job_chunks, coalesce(array_agg(j.epoch), '{}') AS epochs,
    coalesce(array_agg(j.parent), '{}') AS parents, coalesce(array_agg(j.data_seq), '{}') AS data_seqs, count(*) AS n
FROM j \gset
SELECT kept FROM attune.publish(:chunks, :attempts, :tokens, NULL, NULL, NULL, :jobs, :job_chunks,
    array_fill(2::smallint, ARRAY[:n::int]), :epochs, :parents, :data_seqs, NULL, NULL, NULL, array_fill(32, ARRAY[:n::int]),
    array_fill(1::smallint, ARRAY[:n::int]), array_fill(0::smallint, ARRAY[:n::int]), array_fill(0.6::real, ARRAY[:n::int]),
    array_fill(0.5::real, ARRAY[:n::int]), array_fill(0, ARRAY[:n::int]), '{1,2,3,4}', NULL, NULL, NULL);
