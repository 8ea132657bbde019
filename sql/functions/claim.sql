-- One lane, by equality, with literal state and limit: one short index scan, whatever waits elsewhere or has finished.
-- The cursor locks a row only when it is fetched: rows past the budget stay free for others.
--
-- Of several waiting jobs of one user in what is claimed, the newest runs and the others end as merged. Waiting jobs in
-- other chunks are not looked for: that would read the user's whole history. They end as covered when their turn comes.
CREATE OR REPLACE FUNCTION attune.claim(
    p_worker bigint, p_lane int, p_cost_budget_ms real, p_job_budget int,
    p_mark_key bigint DEFAULT -9223372036854775808, p_mark_chunk bigint DEFAULT -1, p_late_since pg_snapshot DEFAULT NULL
) RETURNS TABLE (
    chunk_id bigint, attempt int, token uuid, tenant_id int, tenant text, key_prefix text, kind text,
    base_id int, base_digest text, recipe_id int, recipe_digest text, campaign_id int, crashes smallint,
    sort_key bigint, deadline_seconds double precision,
    job_ids bigint[], uids bigint[], users text[], epochs int[], parents bigint[], data_seqs bigint[], tries smallint[],
    payloads bytea[], ended_count int, next_key bigint, next_chunk bigint, horizon pg_snapshot, needs_empty_hands boolean,
    cost_ms real, flow_id int, endings smallint[]
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    v_since_xmax xid8 := pg_snapshot_xmax(p_late_since);
    v_since_open xid8[] := CASE WHEN p_late_since IS NOT NULL THEN ARRAY(SELECT pg_snapshot_xip(p_late_since)) END;
    v_by_key CURSOR FOR
        SELECT c.chunk_id, c.sort_key, c.cost_ms, c.job_count, c.crashes FROM attune.chunk c
        WHERE c.lane = p_lane AND c.state = 0 AND (c.sort_key, c.chunk_id) > (p_mark_key, p_mark_chunk)
        ORDER BY c.sort_key, c.chunk_id LIMIT 1024 FOR UPDATE SKIP LOCKED;
    -- What an earlier claim could not see: of the transactions that were open then, and of those that came after. To begin at
    -- the oldest open one instead would read, while a transaction stays open for hours, all that was inserted in those hours.
    -- The sums keep the key out of the index condition: from the lane's start to the mark lie the dead entries of all that
    -- was claimed.
    v_by_birth CURSOR FOR
        SELECT c.chunk_id, c.sort_key, c.cost_ms, c.job_count, c.crashes FROM attune.chunk c
        WHERE c.lane = p_lane AND c.state = 0 AND c.born >= v_since_xmax
            AND (c.sort_key + 0, c.chunk_id) <= (p_mark_key, p_mark_chunk)
        ORDER BY c.born LIMIT 1024 FOR UPDATE SKIP LOCKED;
    -- In the order of birth, or a plan that was made while the lane was empty reads all of it by its keys.
    v_of_open CURSOR FOR
        SELECT c.* FROM unnest(v_since_open) AS o (xid) CROSS JOIN LATERAL (
            SELECT n.chunk_id, n.sort_key, n.cost_ms, n.job_count, n.crashes FROM attune.chunk n
            WHERE n.lane = p_lane AND n.state = 0 AND n.born >= o.xid AND n.born <= o.xid
                AND (n.sort_key + 0, n.chunk_id) <= (p_mark_key, p_mark_chunk)
            ORDER BY n.born FOR UPDATE SKIP LOCKED) AS c
        LIMIT 1024;
    -- What waits for room under its tenant's limit belongs to no lane: lane -1.
    v_parked CURSOR FOR SELECT h.* FROM attune.parked_heads(p_worker) AS h;
    v_scan refcursor;
    v_reads_open boolean := false;
    v_row record;
    v_ids bigint[] := '{}';
    v_ready bigint[];
    v_bases int[];
    v_recipes int[];
    v_cost real := 0;
    v_jobs int := 0;
    v_last_key bigint := p_mark_key;
    v_last_chunk bigint := p_mark_chunk;
    v_suspect boolean := false;
    v_holds_suspect boolean;
    -- Taken before the scan: whoever commits after the scan's snapshot is not visible in this one, so the next sweep looks
    -- for it.
    v_horizon pg_snapshot := pg_current_snapshot();
BEGIN
    -- A claim lost in a crash of the server is a lease that nobody holds; the publish after it is durable, and with it this.
    PERFORM set_config('synchronous_commit', 'off', true);
    IF NOT EXISTS (SELECT FROM attune.worker w WHERE w.worker_id = p_worker AND w.state = 'active'
        AND w.lease_until > clock_timestamp()) THEN
        PERFORM attune.refuse('worker_gone', format('worker %s', p_worker),
            'it is not registered, is draining, or its lease has run out', 'send a heartbeat, or register again');
    END IF;
    -- By an index of suspects alone: the entries of all chunks that the worker has ever held stay in the other one for as long
    -- as any transaction of the cluster is older than their end.
    v_holds_suspect := EXISTS (SELECT FROM attune.chunk c WHERE c.worker_id = p_worker AND c.state + 0 = 1 AND c.crashes >= 2);

    -- A chunk that has crashed two workers runs alone, or it would take its neighbours' blame with it.
    IF NOT v_holds_suspect THEN
        IF p_lane < 0 THEN
            OPEN v_parked;
            v_scan := v_parked;
        ELSIF p_late_since IS NULL THEN
            OPEN v_by_key;
            v_scan := v_by_key;
        ELSIF cardinality(v_since_open) > 0 THEN
            OPEN v_of_open;
            v_scan := v_of_open;
            v_reads_open := true;
        ELSE
            OPEN v_by_birth;
            v_scan := v_by_birth;
        END IF;
        LOOP
            EXIT WHEN v_cost >= p_cost_budget_ms OR v_jobs >= p_job_budget OR v_suspect;
            FETCH v_scan INTO v_row;
            IF NOT FOUND AND v_reads_open THEN
                CLOSE v_of_open;
                OPEN v_by_birth;
                v_scan := v_by_birth;
                v_reads_open := false;
                CONTINUE;
            END IF;
            EXIT WHEN NOT FOUND;
            IF v_row.crashes >= 2 THEN
                v_suspect := true;
                EXIT WHEN v_jobs > 0 OR EXISTS (SELECT FROM attune.chunk c WHERE c.worker_id = p_worker AND c.state = 1);
            END IF;
            v_ids := v_ids || v_row.chunk_id;
            v_cost := v_cost + v_row.cost_ms;
            v_jobs := v_jobs + v_row.job_count;
            IF p_late_since IS NULL THEN
                v_last_key := v_row.sort_key;
                v_last_chunk := v_row.chunk_id;
            END IF;
        END LOOP;
        CLOSE v_scan;
    END IF;
    IF v_ids <> '{}' AND EXISTS (SELECT FROM attune.tenant_limit) THEN
        v_ids := attune.within_limits(p_worker, v_ids);
    END IF;

    -- Which base and recipe: now, not at enqueue. Without them the chunk waits, longer each time, and says why once. What is of no
    -- user needs none.
    IF v_ids <> '{}' THEN
        WITH resolved AS MATERIALIZED (
            SELECT c.chunk_id, c.waits, c.tenant_id, c.attempt, b.base_id, r.recipe_id, k.is_of_users AND r.recipe_id IS NULL AS lacks
            FROM unnest(v_ids) WITH ORDINALITY AS i (id, pos) JOIN attune.chunk c ON c.chunk_id = i.id
            JOIN attune.kind k ON k.kind_id = c.kind_id
            LEFT JOIN attune.campaign g ON g.campaign_id = c.campaign_id
            LEFT JOIN attune.active_base a ON a.tenant_id = c.tenant_id AND k.is_of_users
            LEFT JOIN attune.base b ON b.base_id = coalesce(g.base_id, a.base_id)
            LEFT JOIN attune.active_recipe r
                ON r.tenant_id = c.tenant_id AND r.base_id = b.base_id AND r.kind_id = c.kind_id
            ORDER BY i.pos
        ), put_off AS (
            UPDATE attune.chunk c SET state = 2, waits = least(c.waits + 1, 1000),
                run_at = clock_timestamp() + make_interval(secs => least(60, 5 * 2 ^ least(c.waits, 4)))
            FROM resolved r WHERE c.chunk_id = r.chunk_id AND r.lacks
            RETURNING c.chunk_id, c.run_at
        ), said AS (
            INSERT INTO attune.attempt_log (tenant_id, chunk_id, attempt, error_class, message, runs_again_at)
            SELECT r.tenant_id, r.chunk_id, r.attempt,
                CASE WHEN r.base_id IS NULL THEN 'no_active_base' ELSE 'no_active_recipe' END,
                CASE WHEN r.base_id IS NULL THEN 'the tenant has no active base; do: register one and run SELECT attune.promote(tenant, base)'
                    ELSE 'the tenant has no active recipe under its base; do: attune recipe activate' END, p.run_at
            FROM resolved r JOIN put_off p ON p.chunk_id = r.chunk_id WHERE r.waits = 0
        )
        SELECT array_agg(r.chunk_id), array_agg(r.base_id), array_agg(r.recipe_id) INTO v_ready, v_bases, v_recipes
        FROM resolved r WHERE NOT r.lacks;
        IF EXISTS (SELECT FROM attune.campaign g WHERE g.state = 'running') THEN
            PERFORM attune.follow_campaigns(v_ready);
        END IF;

        RETURN QUERY
        WITH taken AS MATERIALIZED (
            SELECT c.chunk_id, c.members, c.tries, c.attempt, c.ended_count, k.coalesces, i.base_id, i.recipe_id, i.pos
            FROM unnest(v_ready, v_bases, v_recipes) WITH ORDINALITY AS i (id, base_id, recipe_id, pos)
            JOIN attune.chunk c ON c.chunk_id = i.id JOIN attune.kind k ON k.kind_id = c.kind_id
        ), member AS MATERIALIZED (
            -- ending: 0 runs, -1 ended before, else what it ends as here. A chunk without jobs still gives a row.
            SELECT t.chunk_id, t.attempt, t.base_id, t.recipe_id, t.pos, j.job_id, j.uid, j.tenant_id, j.payload, j.tries,
                u.user_id, u.epoch, u.data_seq, p.revision_id, first_value(j.job_id) OVER newest AS newest_job,
                CASE
                    WHEN j.job_id IS NULL OR o.job_id IS NOT NULL THEN -1
                    WHEN u.erased_at IS NOT NULL THEN 5
                    WHEN t.coalesces AND row_number() OVER newest > 1 THEN 3
                    WHEN t.coalesces AND u.data_seq > 0 AND p.judged_through >= u.data_seq AND p.recipe_id = t.recipe_id THEN 4
                    ELSE 0
                END AS ending
            FROM taken t
            LEFT JOIN LATERAL (
                SELECT h.job_id, h.uid, h.tenant_id, h.payload, 0::smallint AS tries FROM attune.job h
                WHERE t.members IS NULL AND h.job_id >= t.chunk_id * 1024 AND h.job_id < t.chunk_id * 1024 + 1024
                UNION ALL
                SELECT m.job_id, m.uid, m.tenant_id, m.payload, x.tries
                FROM unnest(t.members, t.tries) AS x (id, tries) JOIN attune.job m ON m.job_id = x.id
            ) AS j ON true
            LEFT JOIN attune."user" u ON u.uid = j.uid
            LEFT JOIN attune.pointer p ON p.uid = j.uid AND p.base_id = t.base_id
            -- Looked up only where something ended meanwhile; a null key costs no descent of the index.
            LEFT JOIN attune.outcome o ON o.job_id = CASE WHEN t.ended_count > 0 THEN j.job_id END
            WINDOW newest AS (PARTITION BY j.uid, t.base_id, t.coalesces, o.job_id IS NULL ORDER BY j.job_id DESC)
        ), ended AS (
            INSERT INTO attune.outcome (job_id, follows, born, chunk_id, finished_at, tenant_id, attempt, ending, tries, worker_id,
                revision_id, merged_into, error_class)
            SELECT m.job_id, m.follows, CASE WHEN m.follows IS NULL THEN pg_current_xact_id() END,
                CASE WHEN m.follows IS NULL THEN m.chunk_id END, (SELECT clock_timestamp()), m.tenant_id,
                CASE WHEN m.follows IS NULL THEN m.attempt + 1 END, m.ending, m.tries,
                CASE WHEN m.follows IS NULL THEN p_worker END,
                CASE WHEN m.ending = 4 THEN m.revision_id END, CASE WHEN m.ending = 3 THEN m.newest_job END,
                CASE WHEN m.ending = 5 THEN 'user_erased' END
            FROM (
                SELECT n.*, CASE WHEN n.job_id >> 10 = n.chunk_id
                    THEN nullif(n.job_id - min(n.job_id) OVER (PARTITION BY n.chunk_id), 0) END::smallint AS follows
                FROM member n WHERE n.ending > 0
            ) AS m
        ), tally AS (
            SELECT m.chunk_id, m.base_id, m.recipe_id, m.pos,
                array_agg(m.job_id) FILTER (WHERE m.ending = 0) AS job_ids,
                array_agg(m.uid) FILTER (WHERE m.ending = 0) AS uids,
                array_agg(coalesce(m.user_id, '')) FILTER (WHERE m.ending = 0) AS users,
                array_agg(coalesce(m.epoch, 0)) FILTER (WHERE m.ending = 0) AS epochs,
                array_agg(m.revision_id) FILTER (WHERE m.ending = 0) AS parents,
                array_agg(coalesce(m.data_seq, 0)) FILTER (WHERE m.ending = 0) AS data_seqs,
                array_agg(m.tries) FILTER (WHERE m.ending = 0) AS tries,
                array_agg(m.payload) FILTER (WHERE m.ending = 0) AS payloads,
                array_agg(m.ending::smallint) FILTER (WHERE m.ending > 0) AS endings
            FROM (SELECT * FROM member ORDER BY chunk_id, job_id) AS m
            GROUP BY m.chunk_id, m.base_id, m.recipe_id, m.pos
        ), leased AS (
            UPDATE attune.chunk c SET
                state = CASE WHEN t.job_ids IS NULL THEN 4 ELSE 1 END, attempt = c.attempt + 1,
                live_count = coalesce(cardinality(t.job_ids), 0), worker_id = p_worker, token = gen_random_uuid(),
                base_id = t.base_id, recipe_id = t.recipe_id, claimed_at = clock_timestamp(),
                deadline = clock_timestamp() + make_interval(secs => s.deadline_seconds + c.cost_ms * 20 / 1000.0)
            FROM tally t, attune.setting s WHERE c.chunk_id = t.chunk_id
            RETURNING c.*, t.pos, t.job_ids, t.uids, t.users, t.epochs, t.parents, t.data_seqs, t.tries AS job_tries, t.payloads, t.endings
        )
        SELECT l.chunk_id, l.attempt, l.token, l.tenant_id, n.name, n.key_prefix, k.name, coalesce(l.base_id, 0), coalesce(b.digest, ''),
            coalesce(l.recipe_id, 0), coalesce(r.digest, ''), l.campaign_id, l.crashes, l.sort_key,
            extract(epoch FROM l.deadline - l.claimed_at)::double precision, coalesce(l.job_ids, '{}'), l.uids, l.users,
            l.epochs, l.parents, l.data_seqs, l.job_tries, l.payloads, (l.job_count - l.live_count)::int,
            NULL::bigint, NULL::bigint, NULL::pg_snapshot, NULL::boolean, l.cost_ms, l.flow_id, l.endings
        FROM leased l JOIN attune.tenant n ON n.tenant_id = l.tenant_id JOIN attune.kind k ON k.kind_id = l.kind_id
        LEFT JOIN attune.base b ON b.base_id = l.base_id LEFT JOIN attune.recipe r ON r.recipe_id = l.recipe_id
        ORDER BY l.pos;
    END IF;

    -- The last row says where the lane goes on: its next head past what was taken here.
    SELECT c.sort_key, c.chunk_id INTO v_row FROM attune.chunk c
    WHERE c.lane = p_lane AND c.state = 0 AND (c.sort_key, c.chunk_id) > (v_last_key, v_last_chunk)
    ORDER BY c.sort_key, c.chunk_id LIMIT 1;
    next_key := v_row.sort_key;
    next_chunk := v_row.chunk_id;
    horizon := v_horizon;
    needs_empty_hands := v_holds_suspect OR (v_suspect AND v_jobs = 0);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.claim(bigint, int, real, int, bigint, bigint, pg_snapshot) IS 'Takes chunks of one lane (-1: of those that wait for room under a limit) for a worker up to a budget of cost and jobs; draws attempt and token. One row a chunk (no jobs: it ended here; endings: how those ended that ended here), then one row with chunk_id null: the lane''s next head, the snapshot that the next sweep for late commits starts from, and whether a suspect chunk wants the worker''s hands empty first.';
