CREATE OR REPLACE FUNCTION attune.set_worker_bases(p_worker bigint, p_digests text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM attune.worker_base b WHERE b.worker_id = p_worker AND b.digest <> ALL (p_digests);
    INSERT INTO attune.worker_base (worker_id, digest) SELECT p_worker, d FROM unnest(p_digests) AS d ON CONFLICT DO NOTHING;
    -- Of workers that stopped nobody asks any more.
    DELETE FROM attune.worker_base b USING attune.worker w WHERE w.worker_id = b.worker_id AND w.state = 'stopped';
END
$$;
COMMENT ON FUNCTION attune.set_worker_bases(bigint, text[]) IS 'Says which bases a worker holds.';
