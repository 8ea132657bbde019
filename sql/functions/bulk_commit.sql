-- In slices, so that no array grows with the bulk; all of them are the caller's one transaction.
CREATE OR REPLACE FUNCTION attune.bulk_commit(
    tenant text, flow text DEFAULT 'bulk', kind text DEFAULT 'adapt', run_at timestamptz DEFAULT NULL, cost_ms real DEFAULT NULL,
    keep_going boolean DEFAULT false
) RETURNS TABLE (accepted bigint, duplicates bigint, rejected bigint, chunks bigint, first_job bigint, last_job bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_rows CURSOR FOR SELECT s.user_id, s.payload, s.dedup_key, s.trace FROM pg_temp.attune_bulk s;
    v_row record;
    v_more boolean;
    v_users text[] := '{}';
    v_payloads bytea[] := '{}';
    v_keys text[] := '{}';
    v_traces text[] := '{}';
    v_bytes bigint := 0;
    v_before bigint := 0;
    v_slice record;
    v_lines bigint[] := '{}';
    v_classes text[] := '{}';
BEGIN
    PERFORM attune.require_staging('attune_bulk', 'attune.bulk_begin()');
    accepted := 0; duplicates := 0; rejected := 0; chunks := 0;
    OPEN v_rows;
    LOOP
        FETCH v_rows INTO v_row;
        v_more := FOUND;
        IF v_more THEN
            v_users := v_users || v_row.user_id;
            v_payloads := v_payloads || v_row.payload;
            v_keys := v_keys || v_row.dedup_key;
            v_traces := v_traces || v_row.trace;
            v_bytes := v_bytes + coalesce(length(v_row.payload), 0);
            CONTINUE WHEN cardinality(v_users) < 10000 AND v_bytes < 16777216;
        END IF;
        -- The last slice may be empty: a bulk of nothing is checked too.
        SELECT * INTO v_slice FROM attune.enqueue_many(tenant, v_users, v_payloads, v_keys, v_traces, bulk_commit.flow,
            bulk_commit.kind, bulk_commit.run_at, bulk_commit.cost_ms, keep_going, v_before);
        accepted := accepted + v_slice.accepted;
        duplicates := duplicates + v_slice.duplicates;
        rejected := rejected + v_slice.rejected;
        chunks := chunks + v_slice.chunks;
        first_job := least(first_job, v_slice.first_job);
        last_job := greatest(last_job, v_slice.last_job);
        v_lines := v_lines || v_slice.rejected_lines;
        v_classes := v_classes || v_slice.rejected_classes;
        EXIT WHEN NOT v_more;
        v_before := v_before + cardinality(v_users);
        v_users := '{}'; v_payloads := '{}'; v_keys := '{}'; v_traces := '{}'; v_bytes := 0;
    END LOOP;
    CLOSE v_rows;
    IF rejected > 0 THEN
        CREATE TEMPORARY TABLE attune_rejected ON COMMIT DROP AS
        SELECT r.line, r.error_class FROM unnest(v_lines, v_classes) AS r (line, error_class);
        EXECUTE format('GRANT SELECT ON pg_temp.attune_rejected TO %I', attune.caller());
    END IF;
    DROP TABLE pg_temp.attune_bulk;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.bulk_commit(text, text, text, timestamptz, real, boolean) IS 'Enqueues everything in the temporary table of attune.bulk_begin, in the caller''s transaction; counts what was accepted, already there under its dedup key, and rejected. With keep_going, rejected rows are left out and listed in pg_temp.attune_rejected (line, error_class); else the first one is an error.';
