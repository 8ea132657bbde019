-- In the order of transactions, and only those below every transaction that still runs: none can appear behind a cursor.
CREATE OR REPLACE FUNCTION attune.outcomes_since(tenant text, cursor text DEFAULT NULL, max_rows int DEFAULT 1000) RETURNS TABLE (
    next_cursor text, job_id bigint, user_id text, state text, finished_at timestamptz, revision int, error_class text
) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'read');
    v_born xid8 := '0';
    v_job bigint := -1;
    v_first bigint;
BEGIN
    IF cursor IS NOT NULL THEN
        IF cursor !~ '^[0-9]{1,19}-[0-9]{1,18}$' THEN
            PERFORM attune.refuse('bad_cursor', tenant, format('cursor %L', left(cursor, 40)), 'pass next_cursor of the last row, or null');
        END IF;
        v_born := split_part(cursor, '-', 1)::xid8;
        v_job := split_part(cursor, '-', 2)::bigint;
    END IF;
    -- The cursor may stand within a run, whose entry in the index is its first job's.
    v_first := coalesce((SELECT o.job_id - o.follows FROM attune.outcome o WHERE o.job_id = v_job), v_job);
    RETURN QUERY
    SELECT o.born::text || '-' || o.job_id, o.job_id, u.user_id, attune.ending_name(o.ending), o.finished_at, r.number, o.error_class
    FROM (
        SELECT f.born, f.job_id AS first, n.job_id, n.ending, n.finished_at, n.revision_id, n.error_class
        FROM attune.outcome f CROSS JOIN LATERAL (
            SELECT f.job_id, f.ending, f.finished_at, f.revision_id, f.error_class
            UNION ALL
            SELECT m.job_id, m.ending, m.finished_at, m.revision_id, m.error_class FROM attune.outcome m
            WHERE m.job_id > f.job_id AND m.job_id < (f.job_id >> 10 << 10) + 1024 AND m.follows = m.job_id - f.job_id
        ) AS n
        WHERE f.follows IS NULL AND f.tenant_id = v_tenant AND (f.born, f.job_id) >= (v_born, v_first)
            AND (f.born, f.job_id, n.job_id) > (v_born, v_first, v_job) AND f.born < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY f.born, f.job_id, n.job_id LIMIT least(greatest(max_rows, 1), 10000)
    ) AS o
    LEFT JOIN attune.job j ON j.job_id = o.job_id LEFT JOIN attune."user" u ON u.uid = j.uid
    LEFT JOIN attune.revision r ON r.revision_id = o.revision_id
    ORDER BY o.born, o.first, o.job_id;
END
$$;
COMMENT ON FUNCTION attune.outcomes_since(text, text, int) IS 'A tenant''s outcomes after a cursor (null: from the first), each exactly once, in the order in which they were committed. Pass the last row''s next_cursor to go on. An open transaction anywhere in the cluster holds it back, but loses nothing.';
