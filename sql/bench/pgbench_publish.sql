-- pgbench: the queue's own publish of revisions, with arguments that lie in a table of the server.
\set i :i + 1
\set id (:i - 1) * :clients + :client_id
SELECT p.completed FROM bench.delivery d, LATERAL attune.publish(d.chunks, d.attempts, d.tokens,
    'bench/' || d.chunks[1] || '-' || d.attempts[1], sha256('a'), 100000, d.jobs, d.job_chunks,
    array_fill(1::smallint, ARRAY[cardinality(d.jobs)]), d.epochs, d.parents, d.data_seqs,
    ARRAY(SELECT n * 96 FROM generate_series(0, cardinality(d.jobs) - 1) AS n), array_fill(96, ARRAY[cardinality(d.jobs)]),
    array_fill(sha256('b'), ARRAY[cardinality(d.jobs)]), array_fill(32, ARRAY[cardinality(d.jobs)]),
    array_fill(1::smallint, ARRAY[cardinality(d.jobs)]), array_fill(256::smallint, ARRAY[cardinality(d.jobs)]),
    array_fill(0.6::real, ARRAY[cardinality(d.jobs)]), array_fill(0.5::real, ARRAY[cardinality(d.jobs)]),
    array_fill(96, ARRAY[cardinality(d.jobs)]), '{1,2,3,4}', NULL, NULL, NULL) AS p
WHERE d.delivery_id = :id::int;
