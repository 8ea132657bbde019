-- The canary is drawn over the whole range of the tenant's users by a hash of the campaign, so that it is no cohort of
-- the oldest; waves and sweeps go through the users in order of uid, which is the order of their rows.
--
-- What is covered already (a pointer under the base by its recipe, no newer data) is passed over. A sweep also passes over
-- users whose job still runs, and those that this campaign could not adapt and that have recorded nothing since.
CREATE OR REPLACE FUNCTION attune.feed_campaign(p_epoch bigint, p_campaign int, p_cursor bigint, p_users int)
RETURNS TABLE (cursor_uid bigint, fed int, is_end boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    c attune.campaign;
    v_flow int;
    v_weight real;
    v_each int;
    v_cost real;
    v_share real := 0;
    v_mean double precision;
    v_uids bigint[];
    v_last bigint;
    v_scanned int;
    v_ids bigint[];
    v_tag bigint;
    v_count int;
    v_scan int := least(greatest(p_users * 2, 20000), 100000);
    v_sweeps boolean;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT g.* INTO c FROM attune.campaign g
    WHERE g.campaign_id = p_campaign AND g.state IN ('running', 'promoted') AND g.cursor_uid = p_cursor FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;  -- paused, ended, or another step came first
    END IF;
    v_sweeps := c.phase NOT IN ('canary', 'waves');
    IF NOT v_sweeps THEN
        SELECT w.judged_share INTO v_share FROM attune.campaign_wave w
        WHERE w.campaign_id = p_campaign AND w.round = c.round AND w.wave = c.wave;
    END IF;
    SELECT f.flow_id, f.weight INTO v_flow, v_weight FROM attune.flow f WHERE f.tenant_id = c.tenant_id AND f.name = 'campaign';

    IF c.cursor_uid < 0 THEN
        -- Twice as many draws as users: some meet, and some find nobody with data.
        SELECT array_agg(d.uid ORDER BY d.uid), avg(d.share) INTO v_uids, v_mean FROM (
            SELECT u.uid, min(attune.cost_share(u.data_seq)) AS share
            FROM (SELECT min(n.uid) AS first, max(n.uid) - min(n.uid) + 1 AS span FROM attune."user" n WHERE n.tenant_id = c.tenant_id) AS r
            CROSS JOIN generate_series(1, p_users * 2) AS draw
            CROSS JOIN LATERAL (
                SELECT n.uid, n.data_seq FROM attune."user" n
                WHERE n.tenant_id = c.tenant_id AND n.erased_at IS NULL
                    AND n.uid >= r.first + (hashint8extended(draw, p_campaign) & 4611686018427387903) % r.span
                ORDER BY n.uid LIMIT 1) AS u
            WHERE u.data_seq > 0 GROUP BY u.uid ORDER BY min(draw) LIMIT p_users) AS d;
        cursor_uid := 0;
        is_end := true;
    ELSE
        SELECT array_agg(s.uid ORDER BY s.uid) FILTER (WHERE s.is_wanted), avg(s.share) FILTER (WHERE s.is_wanted),
            max(s.uid), count(*)
        INTO v_uids, v_mean, v_last, v_scanned
        FROM (
            SELECT u.uid, attune.cost_share(u.data_seq) AS share, u.data_seq > 0 AND CASE
                    WHEN c.purpose = 'keep' THEN
                        CASE WHEN p.uid IS NULL THEN u.created_at > c.created_at ELSE p.judged_through < u.data_seq END
                    ELSE p.uid IS NULL OR p.judged_through < u.data_seq OR p.recipe_id IS DISTINCT FROM c.recipe_id
                END
                AND CASE WHEN v_sweeps THEN NOT EXISTS (
                    SELECT FROM attune.job j LEFT JOIN attune.outcome o ON o.job_id = j.job_id
                    WHERE j.uid = u.uid AND j.job_id >= c.first_job AND j.campaign_id = p_campaign
                        AND (o.job_id IS NULL OR (o.ending = 6 AND j.enqueued_at > (
                            SELECT max(d.recorded_at) FROM attune.user_data d WHERE d.uid = u.uid))))
                ELSE true END AS is_wanted
            FROM (
                SELECT n.uid, n.data_seq, n.created_at FROM attune."user" n
                WHERE n.tenant_id = c.tenant_id AND n.uid > p_cursor AND n.erased_at IS NULL ORDER BY n.uid LIMIT v_scan) AS u
            LEFT JOIN attune.pointer p ON p.uid = u.uid AND p.base_id = c.base_id
        ) AS s;
        IF cardinality(v_uids) > p_users THEN
            v_uids := v_uids[1:p_users];
            v_last := v_uids[p_users];
            is_end := false;
        ELSE
            is_end := v_scanned < v_scan;
        END IF;
        cursor_uid := CASE WHEN is_end AND v_sweeps THEN 0 ELSE coalesce(v_last, p_cursor) END;
    END IF;

    v_count := coalesce(cardinality(v_uids), 0);
    fed := v_count;
    IF v_count > 0 THEN
        SELECT s.job_cost_ms * v_mean, greatest(1, least(s.chunk_jobs, floor(s.chunk_cost_ms / (s.job_cost_ms * v_mean))))::int
        INTO v_cost, v_each FROM attune.setting s;
        PERFORM attune.add_partitions(1, v_count);
        SELECT array_agg(nextval('attune.chunk_id_seq')) INTO v_ids FROM generate_series(1, (v_count + v_each - 1) / v_each);
        v_tag := attune.fair_tag(v_flow, v_count);
        INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, job_count, cost_ms)
        SELECT p.id, v_tag + ((p.pos - 1) * v_each * 1000.0 / v_weight)::bigint, attune.lane_for(p.id), c.tenant_id, v_flow,
            p_campaign, c.kind_id, least(v_each, v_count - (p.pos - 1) * v_each),
            least(v_each, v_count - (p.pos - 1) * v_each) * v_cost
        FROM unnest(v_ids) WITH ORDINALITY AS p (id, pos);
        INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, campaign_id, kind_id, cost_ms, payload)
        SELECT v_ids[(u.pos - 1) / v_each + 1] * 1024 + (u.pos - 1) % v_each, u.uid, c.tenant_id, v_flow, p_campaign,
            c.kind_id, v_cost,
            -- Who is judged is drawn by the same hash, so that a step that is repeated draws the same users.
            CASE WHEN v_share > 0 AND (hashint8extended(u.uid, p_campaign) & 1048575) < v_share * 1048576
                THEN convert_to(format('attune.judge/1 %s %s', c.round, c.wave), 'UTF8') END
        FROM unnest(v_uids) WITH ORDINALITY AS u (uid, pos);
        IF NOT v_sweeps THEN
            UPDATE attune.campaign_wave w SET fed = w.fed + v_count
            WHERE w.campaign_id = p_campaign AND w.round = c.round AND w.wave = c.wave;
        END IF;
    END IF;
    UPDATE attune.campaign g SET cursor_uid = feed_campaign.cursor_uid, fed = g.fed + v_count, ahead = g.ahead + v_count,
        pass = g.pass + CASE WHEN v_sweeps AND is_end THEN 1 ELSE 0 END,
        pass_found = CASE WHEN v_sweeps AND NOT is_end THEN g.pass_found + v_count ELSE 0 END,
        left_over = CASE WHEN v_sweeps AND is_end THEN g.pass_found + v_count ELSE g.left_over END,
        pass_ended_at = CASE WHEN v_sweeps AND is_end THEN clock_timestamp() ELSE g.pass_ended_at END,
        users = CASE WHEN c.cursor_uid < 0 THEN (
            SELECT count(*) FROM attune."user" n WHERE n.tenant_id = c.tenant_id AND n.erased_at IS NULL) ELSE g.users END
    WHERE g.campaign_id = p_campaign;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.feed_campaign(bigint, int, bigint, int) IS 'One step of a campaign: jobs for its next users, at most that many, in one transaction with its cursor, which must still be where the caller saw it. Returns where the cursor is now and whether the canary, the users or the sweep came to their end; no row when it is paused, has ended, or another step came first.';
