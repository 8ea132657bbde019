-- Of its own transaction, not the publish's: figures may be a few seconds late, work may not wait for them.
-- Without a scheduler, whoever works folds: else what is read with each figure would grow.
CREATE OR REPLACE FUNCTION attune.add_statistics(
    p_worker bigint, p_beat bigint, p_tenants int[], p_flows int[], p_kinds text[], p_endings smallint[], p_jobs bigint[],
    p_examples bigint[], p_stored_bytes bigint[], p_stage_ms bigint[], p_latency bigint[]
) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_count int;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO attune.stat_delta (worker_id, beat, tenant_id, flow_id, kind_id, ending, jobs, examples, stored_bytes, stage_ms, latency)
    SELECT p_worker, p_beat, i.tenant_id, i.flow_id, k.kind_id, i.ending, i.jobs, i.examples, i.stored_bytes,
        CASE WHEN timed.is_so THEN p_stage_ms[i.n * 4 - 3 : i.n * 4] END,
        CASE WHEN timed.is_so THEN p_latency[i.n * 80 - 79 : i.n * 80] END
    FROM unnest(p_tenants, p_flows, p_kinds, p_endings, p_jobs, p_examples, p_stored_bytes) WITH ORDINALITY
        AS i (tenant_id, flow_id, kind, ending, jobs, examples, stored_bytes, n)
    JOIN attune.kind k ON k.name = i.kind
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM unnest(p_latency[i.n * 80 - 79 : i.n * 80]) AS b WHERE b > 0) AS is_so) AS timed
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF NOT EXISTS (SELECT FROM attune.leader l, attune.setting s
        WHERE l.seen_at > clock_timestamp() - make_interval(secs => s.lease_seconds)) THEN
        PERFORM attune.fold_statistics(5000, interval '2 seconds');
    END IF;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.add_statistics(bigint, bigint, int[], int[], text[], smallint[], bigint[], bigint[], bigint[], bigint[], bigint[]) IS 'A worker''s report of what it got done since the one before; four sums and 80 buckets a row, end to end. The same report again counts once. Returns how many rows were new.';
