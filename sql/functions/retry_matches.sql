CREATE OR REPLACE FUNCTION attune.retry_matches(error_class text, since timestamptz, tenant text DEFAULT NULL, max_rows int DEFAULT 2000)
RETURNS TABLE (job_tenant text, discarded bigint, waiting bigint, is_cut boolean, before bigint) LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    WITH until AS MATERIALIZED (SELECT attune.newest_job() + 1 AS before)
    SELECT w.job_tenant, count(*) FILTER (WHERE w.state = 'discarded'), count(*) FILTER (WHERE w.state <> 'discarded'), bool_or(w.is_cut),
        min(u.before)
    FROM until u CROSS JOIN LATERAL attune.jobs_walk(tenant => retry_matches.tenant, states => '{discarded,retryable,scheduled}',
        error_class => retry_matches.error_class, since => retry_matches.since, before => u.before, max_rows => retry_matches.max_rows) AS w
    WHERE w.job_id IS NOT NULL OR w.is_cut
    GROUP BY w.job_tenant
$$;
COMMENT ON FUNCTION attune.retry_matches(text, timestamptz, text, int) IS 'What attune.retry_many would act on, by tenant, as far as a walk of max_rows jobs reaches (is_cut: there may be more), and the cursor to begin it with: what comes later is left alone.';
