-- Leased from where they are parked: a chunk that waited for room goes straight to the worker that has it, and never back
-- through an index from which it would be moved again.
CREATE OR REPLACE FUNCTION attune.parked_heads(p_worker bigint)
RETURNS TABLE (chunk_id bigint, sort_key bigint, cost_ms real, job_count smallint, crashes smallint) LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_tenants int[];
BEGIN
    IF NOT EXISTS (SELECT FROM attune.chunk c WHERE c.state = 3) THEN
        RETURN;
    ELSIF attune.leader_lives() THEN
        -- Only who has a grant has room: others need not look at what is parked.
        v_tenants := ARRAY(SELECT DISTINCT l.tenant_id FROM attune.limit_grant g JOIN attune.tenant_limit l ON l.limit_id = g.limit_id
            WHERE g.worker_id = p_worker AND EXISTS (SELECT FROM attune.chunk c WHERE c.state = 3 AND c.tenant_id = l.tenant_id));
    ELSE
        v_tenants := ARRAY(SELECT DISTINCT p.tenant_id FROM attune.parked_tenants() AS p);
    END IF;
    IF v_tenants = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH room AS MATERIALIZED (
        SELECT * FROM attune.limit_rooms(p_worker, v_tenants)
    ), may AS MATERIALIZED (
        SELECT r.tenant_id, k.kind_id, min(r.room) AS room FROM room r JOIN attune.kind k ON k.kind_id = coalesce(r.kind_id, k.kind_id)
        GROUP BY r.tenant_id, k.kind_id HAVING min(r.room) > 0
    )
    SELECT h.chunk_id, h.sort_key, h.cost_ms, h.job_count, h.crashes
    FROM may m CROSS JOIN LATERAL (
        SELECT c.chunk_id, c.sort_key, c.cost_ms, c.job_count, c.crashes FROM attune.chunk c
        WHERE c.state = 3 AND c.tenant_id = m.tenant_id AND c.kind_id = m.kind_id
        ORDER BY c.sort_key, c.chunk_id LIMIT least(m.room, 64) FOR UPDATE SKIP LOCKED) AS h
    ORDER BY h.sort_key, h.chunk_id;
END
$$;
COMMENT ON FUNCTION attune.parked_heads(bigint) IS 'Parked chunks that the worker has room for, in the order of their keys, locked.';
