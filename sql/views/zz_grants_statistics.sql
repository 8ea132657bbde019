-- Figures: a tenant's roles see the tenant's rows, workers report and fold.
GRANT SELECT ON attune.stat_delta, attune.stat_minute, attune.stat_hour, attune.audit, attune.outcomes_by_minute, attune.recent_errors,
    attune.recent_latency
    TO attune_reader, attune_producer;
GRANT SELECT (only_row, folded, folded_at) ON attune.stat_cursor TO attune_reader, attune_producer;
GRANT EXECUTE ON FUNCTION attune.add_statistics(bigint, bigint, int[], int[], text[], smallint[], bigint[], bigint[], bigint[], bigint[], bigint[]),
    attune.fold_statistics(int, interval) TO attune_worker;
GRANT EXECUTE ON FUNCTION attune.jobs_walk(text, text[], text, text, text, text, int, timestamptz, bigint, int, int)
    TO attune_reader, attune_producer, attune_operator, attune_worker;
GRANT EXECUTE ON FUNCTION attune.retry_many(text, timestamptz, text, bigint, bigint, int),
    attune.retry_matches(text, timestamptz, text, int), attune.newest_job() TO attune_producer, attune_operator;
GRANT EXECUTE ON FUNCTION attune.latency_quantile(bigint[], double precision), attune.sum_arrays(bigint[]),
    attune.add_arrays(bigint[], bigint[]) TO attune_reader, attune_producer, attune_operator, attune_worker;
