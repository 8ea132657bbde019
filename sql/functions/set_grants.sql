-- The leader plans with the generations that it read. A lowered grant takes effect here; what it frees is given to others
-- only by a later plan, which has seen what the worker still holds: the claim that this waited for may have used it.
CREATE OR REPLACE FUNCTION attune.set_grants(
    p_epoch bigint, p_limits int[], p_workers bigint[], p_slots int[], p_rates real[], p_generations bigint[]
) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_count int;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    WITH wanted AS MATERIALIZED (
        SELECT i.* FROM unnest(p_limits, p_workers, p_slots, p_rates, p_generations) AS i (limit_id, worker_id, slots, rate, generation)
        JOIN attune.tenant_limit l ON l.limit_id = i.limit_id
    ), held AS MATERIALIZED (
        SELECT g.limit_id, g.worker_id, w.slots, w.rate FROM wanted w
        JOIN attune.limit_grant g ON g.limit_id = w.limit_id AND g.worker_id = w.worker_id AND g.generation = w.generation
        ORDER BY g.limit_id, g.worker_id FOR UPDATE OF g
    ), dropped AS (
        DELETE FROM attune.limit_grant g USING held h
        WHERE g.limit_id = h.limit_id AND g.worker_id = h.worker_id AND h.slots IS NULL AND h.rate IS NULL RETURNING 1
    ), changed AS (
        UPDATE attune.limit_grant g SET slots = h.slots, rate = h.rate, generation = g.generation + 1,
            tokens = least(g.tokens, greatest(1, h.rate * 2)), expires = clock_timestamp() + make_interval(secs => s.lease_seconds * 2)
        FROM held h, attune.setting s
        WHERE g.limit_id = h.limit_id AND g.worker_id = h.worker_id AND (h.slots IS NOT NULL OR h.rate IS NOT NULL) RETURNING 1
    ), made AS (
        INSERT INTO attune.limit_grant (limit_id, worker_id, slots, rate, expires)
        SELECT w.limit_id, w.worker_id, w.slots, w.rate, clock_timestamp() + make_interval(secs => s.lease_seconds * 2)
        FROM wanted w, attune.setting s WHERE w.generation IS NULL AND (w.slots IS NOT NULL OR w.rate IS NOT NULL)
        ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT (SELECT count(*) FROM dropped) + (SELECT count(*) FROM changed) + (SELECT count(*) FROM made) INTO v_count;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.set_grants(bigint, int[], bigint[], int[], real[], bigint[]) IS 'Gives workers their parts of limits where the grant is still of the generation planned with (null: there is none); neither slots nor rate: takes it away. Returns how many were written.';
