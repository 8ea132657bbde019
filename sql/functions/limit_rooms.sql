-- With a grant, a worker's claims look at that row and at the chunks the worker holds: nothing that another worker
-- writes. Without one there is room only while no scheduler leads; then it is counted exactly under the limit's row lock,
-- with what others hold or may still take under grants that have not run out. Counting leases instead of keeping slot
-- rows leaves nothing behind when a worker dies: its chunks are rescued, and with them its slots.
--
-- Rows are locked in the order of limit_id, after chunks that were taken with SKIP LOCKED: nobody waits in a circle.
CREATE OR REPLACE FUNCTION attune.limit_rooms(p_worker bigint, p_tenants int[])
RETURNS TABLE (limit_id int, tenant_id int, kind_id smallint, room int, most int) LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_limit attune.tenant_limit;
    v_grant attune.limit_grant;
    v_slots int;
    v_rate real;
    v_held int;
    v_tokens real;
    v_leader boolean := attune.leader_lives();
    v_all constant int := 2147483647;
BEGIN
    FOR v_limit IN SELECT l.* FROM attune.tenant_limit l WHERE l.tenant_id = ANY (p_tenants) ORDER BY l.limit_id LOOP
        limit_id := v_limit.limit_id;
        tenant_id := v_limit.tenant_id;
        kind_id := v_limit.kind_id;
        room := 0;
        most := 0;
        IF v_limit.is_paused THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT g.* INTO v_grant FROM attune.limit_grant g
        WHERE g.limit_id = v_limit.limit_id AND g.worker_id = p_worker AND g.expires > clock_timestamp() FOR UPDATE;
        IF FOUND THEN
            v_slots := v_grant.slots;
            v_rate := v_grant.rate;
            v_tokens := attune.tokens_now(v_grant.tokens, v_rate, v_grant.refilled_at);
            SELECT coalesce(sum(c.live_count), 0) INTO v_held FROM attune.chunk c
            WHERE c.worker_id = p_worker AND c.state = 1 AND c.tenant_id = v_limit.tenant_id
                AND (v_limit.kind_id IS NULL OR c.kind_id = v_limit.kind_id);
        ELSIF v_leader THEN
            RETURN NEXT;
            CONTINUE;
        ELSE
            SELECT l.* INTO v_limit FROM attune.tenant_limit l WHERE l.limit_id = v_limit.limit_id FOR UPDATE;
            CONTINUE WHEN NOT FOUND;
            SELECT coalesce(sum(greatest(h.held, CASE WHEN h.worker_id <> p_worker THEN h.slots END)), 0),
                v_limit.rate - coalesce(sum(h.rate) FILTER (WHERE h.worker_id <> p_worker), 0)
            INTO v_held, v_rate
            FROM (
                SELECT n.worker_id, sum(n.held) AS held, sum(n.slots) AS slots, sum(n.rate) AS rate
                FROM (
                    SELECT c.worker_id, c.live_count AS held, 0 AS slots, 0 AS rate FROM attune.chunk c
                    WHERE c.state = 1 AND c.deadline IS NOT NULL AND c.tenant_id = v_limit.tenant_id
                        AND (v_limit.kind_id IS NULL OR c.kind_id = v_limit.kind_id)
                    UNION ALL
                    SELECT g.worker_id, 0, coalesce(g.slots, 0), coalesce(g.rate, 0) FROM attune.limit_grant g
                    WHERE g.limit_id = v_limit.limit_id AND g.expires > clock_timestamp()
                ) AS n GROUP BY n.worker_id
            ) AS h;
            v_slots := v_limit.max_running;
            v_tokens := attune.tokens_now(v_limit.tokens, v_rate, v_limit.refilled_at);
        END IF;
        room := greatest(0, least(v_slots - v_held, CASE WHEN v_rate IS NOT NULL THEN floor(v_tokens)::int END, v_all));
        most := greatest(0, least(v_slots, CASE WHEN v_rate IS NOT NULL THEN floor(greatest(1, v_rate * 2))::int END, v_all));
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION attune.limit_rooms(bigint, int[]) IS 'For each limit of these tenants: how many jobs the worker may claim now, and at most at any time. Locks what the answer rests on until the transaction ends.';
