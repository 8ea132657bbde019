-- Bounded, and safe from any number of processes: a delta is counted by the one that removes it. What is known pulls
-- back to 1 with the weight of one second of work, so that a handful of odd jobs does not turn an estimate over.
--
-- Factors are relative to all work together, which the row of tenant 0 sums up: estimates are right on the whole, and
-- workers' speeds carry the scale. Learnt each from the other without that, both could drift.
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
        SELECT coalesce(t.tenant_id, 0) AS tenant_id, coalesce(t.kind_id, 0)::smallint AS kind_id, sum(t.estimated_ms) AS estimated_ms,
            sum(t.took_ms) AS took_ms
        FROM taken t GROUP BY GROUPING SETS ((t.tenant_id, t.kind_id), ()) HAVING count(*) > 0
    ), known AS (
        SELECT s.tenant_id, s.kind_id, s.estimated_ms + coalesce(f.estimated_ms * f.stays, 0) AS estimated_ms,
            s.took_ms + coalesce(f.took_ms * f.stays, 0) AS took_ms
        FROM summed s LEFT JOIN LATERAL (
            SELECT o.estimated_ms, o.took_ms, exp(-least(700, greatest(0, extract(epoch FROM clock_timestamp() - o.learnt_at)) / 600)) AS stays
            FROM attune.cost_factor o WHERE o.tenant_id = s.tenant_id AND o.kind_id = s.kind_id
        ) AS f ON true
    ), relative AS (
        SELECT k.tenant_id, k.kind_id, k.estimated_ms, k.took_ms,
            greatest(0.01, least(100, (k.took_ms / (a.took_ms / a.estimated_ms) + 1000) / (k.estimated_ms + 1000))) AS factor
        FROM known k, known a WHERE a.tenant_id = 0 ORDER BY k.tenant_id, k.kind_id
    ), learnt AS (
        INSERT INTO attune.cost_factor AS f (tenant_id, kind_id, factor, estimated_ms, took_ms)
        SELECT r.tenant_id, r.kind_id, r.factor, r.estimated_ms, r.took_ms FROM relative r
        ON CONFLICT (tenant_id, kind_id) DO UPDATE SET
            factor = excluded.factor, estimated_ms = excluded.estimated_ms, took_ms = excluded.took_ms, learnt_at = clock_timestamp()
    )
    SELECT count(*) INTO v_deltas FROM taken;
    RETURN v_deltas;
END
$$;
COMMENT ON FUNCTION attune.learn_costs(int) IS 'Folds what workers said of their work into attune.cost_factor, looking at no more than that many reports; returns how many. The leader calls it each tick; without one, heartbeats do.';
