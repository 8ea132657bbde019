CREATE OR REPLACE FUNCTION attune.count_ending(p_tenant int, p_flow int, p_kind smallint, p_ending int, p_jobs bigint) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO attune.stat_delta (worker_id, beat, tenant_id, flow_id, kind_id, ending, jobs)
    SELECT 0, nextval('attune.stat_beat_seq'), p_tenant, p_flow, p_kind, p_ending, p_jobs WHERE p_jobs > 0
$$;
COMMENT ON FUNCTION attune.count_ending(int, int, smallint, int, bigint) IS 'Counts jobs that a function ended, not a worker; 0: that it made run again.';
