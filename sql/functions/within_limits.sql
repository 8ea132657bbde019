-- Of chunks that a claim has locked, in their order, those that limits let run. The others leave the claim's index, so
-- that nobody reads them again before there is room; their keys stay. A chunk with more jobs than there is room for is
-- cut where that fills at least a quarter of what may ever run: else caps of the size of a chunk would go half used.
CREATE OR REPLACE FUNCTION attune.within_limits(p_worker bigint, p_chunks bigint[]) RETURNS bigint[] LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_limits int[];
    v_tenants int[];
    v_kinds smallint[];
    v_rooms int[];
    v_mosts int[];
    v_before int[];
    v_chunk record;
    v_room int;
    v_most int;
    v_take int;
    v_taken bigint[] := '{}';
    v_parked bigint[] := '{}';
BEGIN
    SELECT array_agg(r.limit_id), array_agg(r.tenant_id), array_agg(r.kind_id), array_agg(r.room), array_agg(r.most)
    INTO v_limits, v_tenants, v_kinds, v_rooms, v_mosts
    FROM attune.limit_rooms(p_worker, ARRAY(
        SELECT DISTINCT c.tenant_id FROM unnest(p_chunks) AS i (id) JOIN attune.chunk c ON c.chunk_id = i.id)) AS r;
    IF v_limits IS NULL THEN
        RETURN p_chunks;
    END IF;
    v_before := v_rooms;
    FOR v_chunk IN
        SELECT c.chunk_id, c.tenant_id, c.kind_id, c.state, (c.job_count - c.ended_count)::int AS jobs
        FROM unnest(p_chunks) WITH ORDINALITY AS i (id, pos) JOIN attune.chunk c ON c.chunk_id = i.id ORDER BY i.pos
    LOOP
        SELECT min(l.room), min(l.most) INTO v_room, v_most FROM unnest(v_tenants, v_kinds, v_rooms, v_mosts) AS l (tenant, kind, room, most)
        WHERE l.tenant = v_chunk.tenant_id AND coalesce(l.kind, v_chunk.kind_id) = v_chunk.kind_id;
        v_take := least(v_chunk.jobs, coalesce(v_room, v_chunk.jobs));
        IF v_take < v_chunk.jobs AND v_take * 4 < least(v_chunk.jobs, v_most) OR (v_take = 0 AND v_chunk.jobs > 0) THEN
            v_parked := v_parked || v_chunk.chunk_id;
            CONTINUE;
        END IF;
        v_taken := v_taken || CASE WHEN v_take < v_chunk.jobs THEN attune.cut_chunk(v_chunk.chunk_id, v_take, v_most) ELSE v_chunk.chunk_id END;
        FOR i IN 1 .. cardinality(v_limits) LOOP
            IF v_tenants[i] = v_chunk.tenant_id AND coalesce(v_kinds[i], v_chunk.kind_id) = v_chunk.kind_id THEN
                v_rooms[i] := v_rooms[i] - v_take;
            END IF;
        END LOOP;
    END LOOP;
    UPDATE attune.chunk c SET state = 3 WHERE c.chunk_id = ANY (v_parked) AND c.state + 0 = 0;  -- by its id

    -- What was taken is paid from the worker's own grant, or, counted exactly, from the limit.
    WITH spent AS (
        SELECT u.id, u.jobs FROM unnest(v_limits, v_before, v_rooms) AS r (id, before, left_over)
        CROSS JOIN LATERAL (SELECT r.id, r.before - r.left_over AS jobs) AS u WHERE u.jobs > 0
    ), granted AS (
        UPDATE attune.limit_grant g SET tokens = attune.tokens_now(g.tokens, g.rate, g.refilled_at) - s.jobs,
            refilled_at = clock_timestamp()
        FROM spent s WHERE g.limit_id = s.id AND g.worker_id = p_worker AND g.expires > clock_timestamp() AND g.rate IS NOT NULL
        RETURNING g.limit_id
    )
    UPDATE attune.tenant_limit l SET tokens = attune.tokens_now(l.tokens, l.rate, l.refilled_at) - s.jobs,
        refilled_at = clock_timestamp()
    FROM spent s WHERE l.limit_id = s.id AND l.rate IS NOT NULL
        AND NOT EXISTS (SELECT FROM attune.limit_grant g
            WHERE g.limit_id = s.id AND g.worker_id = p_worker AND g.expires > clock_timestamp());
    RETURN v_taken;
END
$$;
COMMENT ON FUNCTION attune.within_limits(bigint, bigint[]) IS 'Of chunks that a claim has locked, those that may run under their tenants'' limits, cut if need be; parks the others.';
