-- The buckets are powers of two: what is returned is where the bucket ends that holds the quantile, at most twice too long.
CREATE OR REPLACE FUNCTION attune.latency_quantile(buckets bigint[], q double precision) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT (2 ^ (min(s.n) - 1))::bigint
    FROM (SELECT b.n, sum(b.jobs) OVER (ORDER BY b.n) AS until, sum(b.jobs) OVER () AS jobs
        FROM unnest(latency_quantile.buckets) WITH ORDINALITY AS b (jobs, n)) AS s
    WHERE s.jobs > 0 AND s.until >= s.jobs * least(1, greatest(0, latency_quantile.q))
$$;
COMMENT ON FUNCTION attune.latency_quantile(bigint[], double precision) IS 'Milliseconds below which that share of what a histogram of 20 buckets counted lies, rounded up to a power of two; null when it is empty.';
