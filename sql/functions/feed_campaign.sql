CREATE OR REPLACE FUNCTION attune.feed_campaign(p_epoch bigint, p_campaign int, p_cursor bigint, p_users int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_campaign attune.campaign;
    v_flow int;
    v_weight real;
    v_each int;
    v_cost real;
    v_uids bigint[];
    v_ids bigint[];
    v_tag bigint;
    v_count int;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT c.* INTO v_campaign FROM attune.campaign c
    WHERE c.campaign_id = p_campaign AND c.state = 'running' AND c.cursor_uid = p_cursor FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;  -- paused, ended, or another step came first
    END IF;
    SELECT f.flow_id, f.weight INTO v_flow, v_weight FROM attune.flow f WHERE f.tenant_id = v_campaign.tenant_id AND f.name = 'campaign';
    SELECT least(s.chunk_jobs, greatest(1, floor(s.chunk_cost_ms / s.job_cost_ms)))::int, s.job_cost_ms INTO v_each, v_cost
    FROM attune.setting s;
    SELECT array_agg(u.uid ORDER BY u.uid) INTO v_uids FROM (
        SELECT n.uid FROM attune."user" n
        WHERE n.tenant_id = v_campaign.tenant_id AND n.uid > p_cursor AND n.erased_at IS NULL ORDER BY n.uid LIMIT p_users) AS u;
    IF v_uids IS NULL THEN
        UPDATE attune.campaign c SET state = 'completed', ended_at = clock_timestamp() WHERE c.campaign_id = p_campaign;
        RETURN NULL;
    END IF;
    v_count := cardinality(v_uids);
    PERFORM attune.add_partitions(1, v_count);
    SELECT array_agg(nextval('attune.chunk_id_seq')) INTO v_ids FROM generate_series(1, (v_count + v_each - 1) / v_each);
    v_tag := attune.fair_tag(v_flow, v_count);
    INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, job_count, cost_ms)
    SELECT p.id, v_tag + ((p.pos - 1) * v_each * 1000.0 / v_weight)::bigint, attune.lane_for(p.id), v_campaign.tenant_id, v_flow,
        p_campaign, v_campaign.kind_id, least(v_each, v_count - (p.pos - 1) * v_each),
        least(v_each, v_count - (p.pos - 1) * v_each) * v_cost
    FROM unnest(v_ids) WITH ORDINALITY AS p (id, pos);
    INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, campaign_id, kind_id, cost_ms)
    SELECT v_ids[(u.pos - 1) / v_each + 1] * 1024 + (u.pos - 1) % v_each, u.uid, v_campaign.tenant_id, v_flow, p_campaign,
        v_campaign.kind_id, v_cost
    FROM unnest(v_uids) WITH ORDINALITY AS u (uid, pos);
    UPDATE attune.campaign c SET cursor_uid = v_uids[v_count], fed = c.fed + v_count WHERE c.campaign_id = p_campaign;
    RETURN v_uids[v_count];
END
$$;
COMMENT ON FUNCTION attune.feed_campaign(bigint, int, bigint, int) IS 'One step of a campaign: jobs for its next users, in one transaction with its cursor, which must still be where the caller saw it. Returns the new cursor; null when there was nothing to do or the campaign is through.';
