-- Bounded, and safe from any number of processes: a delta is counted by the one that removes it. What is known pulls
-- back to 1 with the weight of one second of work, so that a handful of odd jobs does not turn an estimate over.
CREATE OR REPLACE FUNCTION attune.learn_costs(p_limit int DEFAULT 1000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    v_deltas int;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    WITH taken AS (
        DELETE FROM attune.work_delta d WHERE d.delta_id IN (
            SELECT w.delta_id FROM attune.work_delta w ORDER BY w.delta_id LIMIT p_limit FOR UPDATE SKIP LOCKED)
        RETURNING d.tenant_id, d.kind_id, d.estimated_ms, d.took_ms
    ), summed AS (
        SELECT t.tenant_id, t.kind_id, sum(t.estimated_ms) AS estimated_ms, sum(t.took_ms) AS took_ms FROM taken t
        GROUP BY t.tenant_id, t.kind_id ORDER BY t.tenant_id, t.kind_id
    ), learnt AS (
        INSERT INTO attune.cost_factor AS f (tenant_id, kind_id, factor, estimated_ms, took_ms)
        SELECT s.tenant_id, s.kind_id, greatest(0.01, least(100, (s.took_ms + 1000) / (s.estimated_ms + 1000))), s.estimated_ms, s.took_ms
        FROM summed s
        ON CONFLICT (tenant_id, kind_id) DO UPDATE SET
            (factor, estimated_ms, took_ms, learnt_at) = (
                SELECT greatest(0.01, least(100, (n.took + 1000) / (n.estimated + 1000))), n.estimated, n.took, clock_timestamp()
                FROM (
                    SELECT a.stays * f.estimated_ms + excluded.estimated_ms AS estimated, a.stays * f.took_ms + excluded.took_ms AS took
                    FROM (SELECT exp(-least(700, greatest(0, extract(epoch FROM clock_timestamp() - f.learnt_at)) / 600)) AS stays) AS a
                ) AS n)
    )
    SELECT count(*) INTO v_deltas FROM taken;
    RETURN v_deltas;
END
$$;
COMMENT ON FUNCTION attune.learn_costs(int) IS 'Folds what workers said of their work into attune.cost_factor, looking at no more than that many reports; returns how many. The leader calls it each tick; without one, heartbeats do.';
