-- Who may run upkeep; after the file that revokes everything first. Each function asks for the leader's epoch.
GRANT EXECUTE ON FUNCTION attune.advance_history(bigint), attune.walk_history(bigint, int, int), attune.drop_history(bigint),
    attune.prune_chunks(bigint, int), attune.prune_attempts(bigint, int), attune.prune_workers(bigint, int),
    attune.prune_objects(bigint, int), attune.prune_revisions(bigint, int) TO attune_worker;
GRANT EXECUTE ON FUNCTION attune.record_health(bigint, text[], text[], text[], double precision[], text[], text[], text[]),
    attune.report_clock(bigint, timestamptz) TO attune_worker;
-- What checks call, for whoever makes them.
GRANT EXECUTE ON FUNCTION attune.span_text(double precision), attune.head_pages(int), attune.part_name(text, bigint),
    attune.judge_health(text[], text[], text[], double precision[], text[], text[], text[]) TO attune_worker, attune_operator;
GRANT SELECT ON SEQUENCE attune.chunk_id_seq TO attune_worker, attune_operator;
