-- New jobs have larger ids than the cursor: an action that walks down from where it began never meets what it made.
CREATE OR REPLACE FUNCTION attune.retry_many(
    error_class text, since timestamptz, tenant text DEFAULT NULL, before bigint DEFAULT NULL, action bigint DEFAULT NULL,
    max_rows int DEFAULT 1000
) RETURNS TABLE (action_id bigint, as_new bigint, at_once bigint, retried_before bigint, next_before bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := CASE WHEN tenant IS NOT NULL THEN attune.require_tenant(tenant, 'produce') END;
    v_before bigint := coalesce(retry_many.before, attune.newest_job() + 1);
    v_found record;
    v_id bigint;
BEGIN
    IF tenant IS NULL AND NOT (pg_has_role(attune.caller(), current_user, 'USAGE') OR pg_has_role(attune.caller(), 'attune_operator', 'USAGE')) THEN
        PERFORM attune.refuse('not_allowed', 'retry_many', 'only operators act on all tenants', 'name a tenant');
    ELSIF retry_many.error_class IS NULL OR retry_many.since IS NULL THEN
        PERFORM attune.refuse('bad_filter', 'retry_many', 'an error class and a time are needed', 'say since when, at least');
    END IF;
    SELECT array_agg(w.job_id ORDER BY w.job_id) FILTER (WHERE w.state = 'discarded') AS ended,
        array_agg(w.job_id ORDER BY w.job_id) FILTER (WHERE w.state <> 'discarded') AS open, min(w.reached) AS reached
    INTO v_found
    FROM attune.jobs_walk(tenant => retry_many.tenant, states => '{discarded,retryable,scheduled}', error_class => retry_many.error_class,
        since => retry_many.since, before => v_before, max_rows => least(greatest(retry_many.max_rows, 1), 10000)) AS w;
    as_new := coalesce(attune.retry_as_new(v_found.ended), 0);
    retried_before := coalesce(cardinality(v_found.ended), 0) - as_new;
    at_once := coalesce(cardinality(v_found.open), 0);
    FOREACH v_id IN ARRAY coalesce(v_found.open, '{}') LOOP
        PERFORM attune.retry(v_id);
    END LOOP;
    next_before := v_found.reached;
    UPDATE attune.audit a SET cursor = next_before, ended_at = CASE WHEN next_before IS NULL THEN clock_timestamp() END,
        counts = jsonb_build_object('as_new', (a.counts ->> 'as_new')::bigint + as_new, 'at_once', (a.counts ->> 'at_once')::bigint + at_once,
            'retried_before', (a.counts ->> 'retried_before')::bigint + retried_before)
    WHERE a.audit_id = retry_many.action AND a.action = 'retry_many' AND a.who = attune.caller() AND a.tenant_id IS NOT DISTINCT FROM v_tenant
    RETURNING a.audit_id INTO action_id;
    IF action_id IS NULL THEN
        INSERT INTO attune.audit (who, action, tenant_id, filter, cursor, counts, ended_at)
        VALUES (attune.caller(), 'retry_many', v_tenant, jsonb_build_object('error_class', retry_many.error_class, 'since', retry_many.since,
            'before', v_before), next_before, jsonb_build_object('as_new', as_new, 'at_once', at_once, 'retried_before', retried_before),
            CASE WHEN next_before IS NULL THEN clock_timestamp() END)
        RETURNING audit_id INTO action_id;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.retry_many(text, timestamptz, text, bigint, bigint, int) IS 'One step of running again what failed with an error class since a time, newest first, at most max_rows jobs: discarded ones as new jobs, those that wait for their next try at once. Go on with before => next_before and action => action_id until next_before is null. attune.audit has a row of it.';
