-- Who may train on the cluster; after the file that revokes everything first. Each function checks the tenant itself.
GRANT EXECUTE ON FUNCTION attune.begin_meta_run(text, bigint), attune.end_meta_run(bigint),
    attune.enqueue_gradients(bigint, bytea[], real) TO attune_producer, attune_operator;
GRANT SELECT ON attune.meta_run TO attune_reader, attune_producer;
