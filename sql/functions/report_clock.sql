-- Written when it changes only: a row that is renewed each time is what a pinned xmin turns into a long chain.
CREATE OR REPLACE FUNCTION attune.report_clock(p_worker bigint, p_clock timestamptz) RETURNS double precision
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_ahead double precision := extract(epoch FROM p_clock - clock_timestamp());
BEGIN
    IF NOT EXISTS (SELECT FROM attune.worker_clock k WHERE k.worker_id = p_worker AND abs(k.ahead_seconds - v_ahead) <= 0.1) THEN
        PERFORM set_config('synchronous_commit', 'off', true);
        INSERT INTO attune.worker_clock AS k (worker_id, ahead_seconds) VALUES (p_worker, v_ahead)
        ON CONFLICT (worker_id) DO UPDATE SET ahead_seconds = excluded.ahead_seconds, at = clock_timestamp();
    END IF;
    RETURN v_ahead;
END
$$;
COMMENT ON FUNCTION attune.report_clock(bigint, timestamptz) IS 'Takes note of a worker''s clock as it was when it asked; returns by how many seconds it is ahead of the database''s, the way here included.';
