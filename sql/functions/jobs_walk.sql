-- A bounded walk from the newest job down: the narrowest index there is for what is asked, no more rows of it than the
-- budget, and a word on how far that reached. Filters come after the limit: a rare match costs no more than a common one.
--
-- It reads as the owner and judges the tenant itself: with row-level security below the limit, a small tenant's walk would
-- pass over all that others have.
CREATE OR REPLACE FUNCTION attune.jobs_walk(
    tenant text DEFAULT NULL, states text[] DEFAULT NULL, kind text DEFAULT NULL, user_id text DEFAULT NULL,
    error_class text DEFAULT NULL, worker text DEFAULT NULL, campaign int DEFAULT NULL, since timestamptz DEFAULT NULL,
    before bigint DEFAULT NULL, budget int DEFAULT 20000, max_rows int DEFAULT 50
) RETURNS TABLE (
    looked bigint, reached bigint, reached_at timestamptz, is_cut boolean, job_id bigint, job_tenant text, job_user text, job_kind text,
    flow text, state text, attempt int, tries smallint, job_worker text, enqueued_at timestamptz, run_at timestamptz,
    claimed_at timestamptz, finished_at timestamptz, job_error_class text, message text, revision int, campaign_id int
) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_open constant text[] := ARRAY['scheduled', 'available', 'running', 'retryable'];
    v_everything boolean := pg_has_role(attune.caller(), current_user, 'USAGE')
        OR pg_has_role(attune.caller(), 'attune_operator', 'USAGE') OR pg_has_role(attune.caller(), 'attune_worker', 'USAGE');
    v_tenants int[];
    v_before bigint := coalesce(jobs_walk.before, 9223372036854775807);
    v_budget int := greatest(1, least(jobs_walk.budget, 100000));
    v_limit int := greatest(1, least(jobs_walk.max_rows, 10000));
    v_wants_open boolean := states IS NULL OR states && v_open;
    v_wants_ended boolean := states IS NULL OR NOT states <@ v_open;
    v_endings smallint[] := ARRAY(SELECT e::smallint FROM generate_series(1, 6) AS e
        WHERE jobs_walk.states IS NULL OR attune.ending_name(e::smallint) = ANY (jobs_walk.states));
    v_kind smallint := (SELECT k.kind_id FROM attune.kind k WHERE k.name = jobs_walk.kind);
    v_uids bigint[];
    v_ids bigint[];
    v_more bigint[];
    v_reached bigint := -1;
    v_ended bigint[];
    v_unended bigint[];
    v_found bigint[];
    v_slice int := 400;
BEGIN
    IF tenant IS NOT NULL THEN
        v_tenants := ARRAY[attune.require_tenant(tenant, 'read')];
    ELSIF NOT v_everything THEN
        v_tenants := attune.tenants_of(attune.caller());
    END IF;

    -- Which rows to look at, newest first.
    IF jobs_walk.user_id IS NOT NULL THEN
        SELECT array_agg(u.uid) INTO v_uids FROM attune.tenant t JOIN attune."user" u ON u.tenant_id = t.tenant_id AND u.user_id = jobs_walk.user_id
        WHERE v_tenants IS NULL OR t.tenant_id = ANY (v_tenants);
        v_ids := ARRAY(SELECT j.job_id FROM attune.job j WHERE j.uid = ANY (v_uids) AND j.job_id < v_before ORDER BY j.job_id DESC LIMIT v_budget);
    ELSIF jobs_walk.error_class IS NOT NULL OR v_endings <@ ARRAY[5, 6]::smallint[] AND NOT v_wants_open THEN
        v_ids := '{}';
        IF v_wants_ended THEN
            v_ids := ARRAY(SELECT n.job_id FROM unnest(ARRAY[5, 6]) AS e (ending)
                CROSS JOIN LATERAL (
                    SELECT o.job_id FROM attune.outcome o
                    WHERE cardinality(v_tenants) IS DISTINCT FROM 1 AND o.ending = e.ending AND o.ending >= 5 AND o.job_id < v_before
                    ORDER BY o.job_id DESC LIMIT v_budget) AS n
                WHERE e.ending = ANY (v_endings)
                UNION ALL
                SELECT n.job_id FROM unnest(ARRAY[5, 6]) AS e (ending)
                CROSS JOIN LATERAL (
                    SELECT o.job_id FROM attune.outcome o
                    WHERE cardinality(v_tenants) = 1 AND o.tenant_id = v_tenants[1] AND o.ending = e.ending AND o.ending >= 5
                        AND o.job_id < v_before
                    ORDER BY o.job_id DESC LIMIT v_budget) AS n
                WHERE e.ending = ANY (v_endings)
                ORDER BY 1 DESC LIMIT v_budget);
            IF cardinality(v_ids) = v_budget THEN v_reached := v_ids[v_budget]; END IF;
        END IF;
        IF v_wants_open AND jobs_walk.error_class IS NOT NULL THEN
            v_more := ARRAY(SELECT a.job_id FROM attune.attempt_log a
                WHERE a.error_class = jobs_walk.error_class AND a.job_id < v_before AND a.job_id IS NOT NULL
                ORDER BY a.job_id DESC LIMIT v_budget);
            IF cardinality(v_more) = v_budget THEN v_reached := greatest(v_reached, v_more[v_budget]); END IF;
            v_ids := ARRAY(SELECT DISTINCT i.id FROM unnest(v_ids || v_more) AS i (id) WHERE i.id >= v_reached ORDER BY i.id DESC LIMIT v_budget);
        END IF;
    ELSIF states = ARRAY['running'] AND (SELECT count(*) FROM (SELECT FROM attune.chunk c WHERE c.state = 1 LIMIT 2001) AS n) <= 2000 THEN
        v_ids := ARRAY(SELECT n.id FROM attune.chunk c CROSS JOIN LATERAL (
                SELECT j.job_id AS id FROM attune.job j
                WHERE c.members IS NULL AND j.job_id >= c.chunk_id * 1024 AND j.job_id < c.chunk_id * 1024 + 1024
                UNION ALL SELECT m FROM unnest(c.members) AS m) AS n
            WHERE c.state = 1 AND n.id < v_before AND (v_tenants IS NULL OR c.tenant_id = ANY (v_tenants))
            ORDER BY n.id DESC LIMIT v_budget);
    ELSIF jobs_walk.campaign IS NOT NULL THEN
        v_ids := ARRAY(SELECT j.job_id FROM attune.job j
            WHERE j.campaign_id = jobs_walk.campaign AND j.job_id < v_before ORDER BY j.job_id DESC LIMIT v_budget);
    END IF;
    IF v_ids IS NULL THEN
        SELECT count(*), CASE WHEN count(*) = v_budget THEN min(n.job_id) ELSE -1 END INTO looked, v_reached
        FROM (SELECT j.job_id FROM attune.job j WHERE j.job_id < v_before ORDER BY j.job_id DESC LIMIT v_budget) AS n;
    ELSE
        looked := cardinality(v_ids);
        IF looked = v_budget THEN v_reached := greatest(v_reached, v_ids[v_budget]); END IF;
    END IF;

    -- What the job and its outcome tell. A walk over ids reads both in their order, a list of ids looks each up.
    IF v_ids IS NULL THEN
        SELECT array_agg(j.job_id) FILTER (WHERE o.job_id IS NOT NULL), array_agg(j.job_id) FILTER (WHERE o.job_id IS NULL)
        INTO v_ended, v_unended
        FROM attune.job j
        LEFT JOIN attune.outcome o ON o.job_id = j.job_id AND o.job_id >= v_reached AND o.job_id < v_before
        LEFT JOIN attune.outcome s ON s.job_id = CASE WHEN jobs_walk.worker IS NOT NULL THEN o.job_id - coalesce(o.follows, 0) END
        LEFT JOIN attune.worker w ON w.worker_id = s.worker_id
        WHERE j.job_id >= v_reached AND j.job_id < v_before
            AND (v_tenants IS NULL OR j.tenant_id = ANY (v_tenants)) AND (jobs_walk.kind IS NULL OR j.kind_id = v_kind)
            AND (jobs_walk.since IS NULL OR coalesce(o.finished_at, j.enqueued_at) >= jobs_walk.since)
            AND CASE WHEN o.job_id IS NULL THEN v_wants_open
                ELSE o.ending = ANY (v_endings) AND (jobs_walk.worker IS NULL OR w.name = jobs_walk.worker) END;
    ELSE
        SELECT array_agg(j.job_id) FILTER (WHERE o.job_id IS NOT NULL), array_agg(j.job_id) FILTER (WHERE o.job_id IS NULL)
        INTO v_ended, v_unended
        FROM unnest(v_ids) AS i (id)
        CROSS JOIN LATERAL (SELECT n.* FROM attune.job n WHERE n.job_id = i.id OFFSET 0) AS j
        LEFT JOIN LATERAL (SELECT n.* FROM attune.outcome n WHERE n.job_id = i.id OFFSET 0) AS o ON true
        LEFT JOIN attune.outcome s ON s.job_id = CASE WHEN jobs_walk.worker IS NOT NULL THEN o.job_id - coalesce(o.follows, 0) END
        LEFT JOIN attune.worker w ON w.worker_id = s.worker_id
        LEFT JOIN LATERAL (
            SELECT a.error_class FROM attune.attempt_log a
            WHERE o.job_id IS NULL AND jobs_walk.error_class IS NOT NULL AND a.job_id = i.id ORDER BY a.log_id DESC LIMIT 1) AS l ON true
        WHERE (v_tenants IS NULL OR j.tenant_id = ANY (v_tenants)) AND (jobs_walk.kind IS NULL OR j.kind_id = v_kind)
            AND (jobs_walk.campaign IS NULL OR j.campaign_id = jobs_walk.campaign)
            AND (jobs_walk.since IS NULL OR coalesce(o.finished_at, j.enqueued_at) >= jobs_walk.since)
            AND (jobs_walk.error_class IS NULL OR coalesce(o.error_class, l.error_class) = jobs_walk.error_class)
            AND CASE WHEN o.job_id IS NULL THEN v_wants_open
                ELSE o.ending = ANY (v_endings) AND (jobs_walk.worker IS NULL OR w.name = jobs_walk.worker) END;
    END IF;
    -- Where an open job stands is looked up only if something depends on it, and only until enough were found.
    IF v_unended IS NOT NULL AND (jobs_walk.worker IS NOT NULL OR NOT v_open <@ coalesce(states, v_open)) THEN
        v_more := ARRAY(SELECT i.id FROM unnest(v_unended) AS i (id) ORDER BY i.id DESC);
        v_unended := '{}';
        WHILE cardinality(v_more) > 0 AND cardinality(v_unended) <= v_limit LOOP
            v_unended := v_unended || ARRAY(SELECT p.job_id FROM attune.job_places(v_more[1:v_slice]) AS p
                WHERE (jobs_walk.states IS NULL OR p.state = ANY (jobs_walk.states))
                    AND (jobs_walk.worker IS NULL OR p.worker = jobs_walk.worker));
            v_more := v_more[v_slice + 1:];
            v_slice := v_slice * 8;
        END LOOP;
    END IF;

    v_found := ARRAY(SELECT f.id FROM unnest(v_ended || v_unended) AS f (id) ORDER BY f.id DESC LIMIT v_limit);
    is_cut := v_reached >= 0;
    IF cardinality(v_found) = v_limit AND v_limit < cardinality(v_ended || v_unended) THEN
        is_cut := true;
        v_reached := v_found[v_limit];
        looked := CASE WHEN v_ids IS NULL
            THEN (SELECT count(*) FROM attune.job j WHERE j.job_id >= v_reached AND j.job_id < v_before)
            ELSE (SELECT count(*) FROM unnest(v_ids) AS i (id) WHERE i.id >= v_reached) END;
    END IF;
    reached := CASE WHEN is_cut THEN v_reached END;
    reached_at := (SELECT j.enqueued_at FROM attune.job j WHERE j.job_id = v_reached);

    RETURN QUERY
    SELECT looked, reached, reached_at, is_cut, v.job_id, v.tenant, v.user_id, v.kind, v.flow, v.state, v.attempt, v.tries, v.worker,
        v.enqueued_at, v.run_at, v.claimed_at, v.finished_at, v.error_class, v.message, v.revision, v.campaign_id
    FROM (SELECT) AS once LEFT JOIN (
        SELECT n.* FROM unnest(v_found) AS f (id) CROSS JOIN LATERAL (SELECT n.* FROM attune.jobs n WHERE n.job_id = f.id OFFSET 0) AS n
    ) AS v ON true
    ORDER BY v.job_id DESC;
END
$$;
COMMENT ON FUNCTION attune.jobs_walk(text, text[], text, text, text, text, int, timestamptz, bigint, int, int) IS 'Jobs that match, newest first, at most max_rows, found by looking at no more than budget rows (up to 100,000). Each row tells how many were looked at, down to which job and time; is_cut: go on with before => reached. Without a match, one row without a job. since is about when a job ended or, while open, was enqueued.';
