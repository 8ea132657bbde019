-- Who may run upkeep; after the file that revokes everything first. Each function asks for the leader's epoch.
GRANT EXECUTE ON FUNCTION attune.advance_history(bigint), attune.walk_history(bigint, int, int), attune.drop_history(bigint),
    attune.prune_chunks(bigint, int), attune.prune_attempts(bigint, int), attune.prune_workers(bigint, int),
    attune.prune_objects(bigint, int) TO attune_worker;
