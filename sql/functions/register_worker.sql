CREATE OR REPLACE FUNCTION attune.register_worker(name text, version text) RETURNS TABLE (worker_id bigint, lease_seconds int)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO attune.worker (name, version, lease_until)
    SELECT register_worker.name, register_worker.version, clock_timestamp() + make_interval(secs => s.lease_seconds)
    FROM attune.setting s
    RETURNING worker_id, (SELECT s.lease_seconds FROM attune.setting s)
$$;
COMMENT ON FUNCTION attune.register_worker(text, text) IS 'A row for a worker process that starts. The same name again is another worker: nothing is inherited from one that died.';
