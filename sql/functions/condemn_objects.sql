-- The row made here excludes a publish of the same key for good: then the bytes can go, whatever a worker that comes back
-- may still try. Only keys whose fence is over are taken: superseded, or closed.
CREATE OR REPLACE FUNCTION attune.condemn_objects(p_keys text[], p_sizes bigint[]) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_condemned text[];
BEGIN
    -- Locked first and alone: the statement after it sees the slots of every publish that held one of these rows.
    PERFORM FROM attune.object o WHERE o.key = ANY (p_keys) ORDER BY o.key FOR UPDATE;
    WITH candidate AS MATERIALIZED (
        SELECT k.key, k.size, t.tenant_id, m.part[2]::bigint AS chunk_id, m.part[3]::int AS attempt, m.part[4]::uuid AS token,
            decode(m.part[5], 'hex') AS sha256
        FROM unnest(p_keys, p_sizes) AS k (key, size)
        CROSS JOIN LATERAL regexp_match(k.key,
            '^([a-z0-9._-]+)/([0-9]{1,18})-([0-9]{1,9})-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-([0-9a-f]{64})$')
            AS m (part)
        JOIN attune.tenant t ON t.key_prefix = m.part[1]
    ), made AS (
        INSERT INTO attune.object (tenant_id, key, sha256, byte_count, state, condemned_at)
        SELECT k.tenant_id, k.key, k.sha256, greatest(k.size, 1), 1, clock_timestamp()
        FROM candidate k LEFT JOIN attune.chunk c ON c.chunk_id = k.chunk_id
        WHERE (c.chunk_id IS NULL AND k.chunk_id <= (SELECT q.last_value FROM attune.chunk_id_seq q))
            OR c.state = 4 OR (c.chunk_id IS NOT NULL AND (c.attempt, c.token) IS DISTINCT FROM (k.attempt, k.token))
        ORDER BY k.key
        ON CONFLICT (key) DO NOTHING RETURNING key
    ), emptied AS (
        -- Objects that were published and whose last slot has gone since.
        UPDATE attune.object o SET state = 1, condemned_at = clock_timestamp()
        WHERE o.key = ANY (p_keys) AND o.state = 0
            AND NOT EXISTS (SELECT FROM attune.object_slot s WHERE s.object_id = o.object_id)
            AND NOT EXISTS (SELECT FROM candidate k JOIN attune.chunk c ON c.chunk_id = k.chunk_id
                WHERE k.key = o.key AND c.state + 0 = 1 AND c.attempt = k.attempt AND c.token = k.token)
        RETURNING o.key
    ), pending AS (
        -- A key that was deleted and is listed again: a PUT that was repeated after a timeout landed late.
        SELECT o.key FROM attune.object o WHERE o.key = ANY (p_keys) AND o.state IN (1, 2)
    ), spent AS (
        -- Of a meta-training that is over, or that nobody goes on with; no publish ever names them.
        SELECT k.key FROM unnest(p_keys) AS k (key)
        CROSS JOIN LATERAL regexp_match(k.key, '^([a-z0-9._-]+)/meta-([0-9]{1,18})/[0-9a-f-]+$') AS m (part)
        JOIN attune.tenant t ON t.key_prefix = m.part[1]
        JOIN attune.meta_run r ON r.run_id = m.part[2]::bigint AND r.tenant_id = t.tenant_id
        WHERE coalesce(r.ended_at, r.seen_at + interval '1 day') < clock_timestamp()
    )
    SELECT coalesce(array_agg(DISTINCT a.key), '{}') INTO v_condemned
    FROM (SELECT key FROM made UNION ALL SELECT key FROM emptied UNION ALL SELECT key FROM pending UNION ALL SELECT key FROM spent) AS a;
    RETURN v_condemned;
END
$$;
COMMENT ON FUNCTION attune.condemn_objects(text[], bigint[]) IS 'Of keys listed in the store, those that nothing names and nothing can publish any more: they may now be deleted from the store. A key condemned earlier is returned again, also one that was deleted and has come back.';
