-- QUEUE rule 23: a job of a user whom a running campaign has covered is work under the campaign's base too, or the campaign,
-- and the way back after its promotion, would show what the user was. The second job is made when the first is claimed, in
-- the same flow and so as urgent; a chunk that comes back has made its own before. What is missed here (data recorded
-- without a job, retries) the sweeps find.
--
-- The jobs are not counted as fed: ahead and fed are the campaign flow's, or a tenant's daily traffic would keep its
-- campaign from ever coming to rest. The campaign's row is not written: its feed holds that for as long as a step takes.
--
-- From the chunks to their jobs, and from each to its user and pointer, by their keys: OFFSET 0 keeps the planner from any
-- other order. From the campaign's side every pointer of the tenant would be read, at each claim.
CREATE OR REPLACE FUNCTION attune.follow_campaigns(p_chunks bigint[]) RETURNS int LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_group record;
    v_chunk bigint;
    v_count int := 0;
BEGIN
    FOR v_group IN
        SELECT c.tenant_id, c.flow_id, c.kind_id, g.campaign_id, array_agg(j.uid ORDER BY j.uid) AS uids,
            array_agg(j.cost_ms ORDER BY j.uid) AS costs, sum(j.cost_ms) AS cost_ms
        FROM (
            SELECT n.chunk_id, n.tenant_id, n.flow_id, n.kind_id FROM attune.chunk n
            WHERE n.chunk_id = ANY (p_chunks) AND n.campaign_id IS NULL AND n.attempt = 0 AND n.members IS NULL OFFSET 0) AS c
        CROSS JOIN LATERAL (
            SELECT n.campaign_id, n.base_id FROM attune.campaign n JOIN attune.active_base a ON a.tenant_id = n.tenant_id
            WHERE n.tenant_id = c.tenant_id AND n.kind_id = c.kind_id AND n.state = 'running' AND a.base_id <> n.base_id OFFSET 0) AS g
        CROSS JOIN LATERAL (
            SELECT DISTINCT ON (m.uid) m.uid, m.cost_ms FROM attune.job m
            WHERE m.job_id >= c.chunk_id * 1024 AND m.job_id < c.chunk_id * 1024 + 1024 OFFSET 0) AS j
        CROSS JOIN LATERAL (SELECT n.data_seq FROM attune."user" n WHERE n.uid = j.uid AND n.erased_at IS NULL OFFSET 0) AS u
        CROSS JOIN LATERAL (
            SELECT FROM attune.pointer n WHERE n.uid = j.uid AND n.base_id = g.base_id AND n.judged_through < u.data_seq OFFSET 0) AS p
        GROUP BY c.chunk_id, c.tenant_id, c.flow_id, c.kind_id, g.campaign_id
    LOOP
        v_chunk := nextval('attune.chunk_id_seq');
        INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, campaign_id, kind_id, job_count, cost_ms)
        VALUES (v_chunk, attune.fair_tag(v_group.flow_id, cardinality(v_group.uids)), attune.lane_for(v_chunk), v_group.tenant_id,
            v_group.flow_id, v_group.campaign_id, v_group.kind_id, cardinality(v_group.uids), v_group.cost_ms);
        INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, campaign_id, kind_id, cost_ms)
        SELECT v_chunk * 1024 + m.pos - 1, m.uid, v_group.tenant_id, v_group.flow_id, v_group.campaign_id, v_group.kind_id, m.cost_ms
        FROM unnest(v_group.uids, v_group.costs) WITH ORDINALITY AS m (uid, cost_ms, pos);
        v_count := v_count + cardinality(v_group.uids);
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.follow_campaigns(bigint[]) IS 'For chunks that a claim has locked: makes jobs under the bases of running campaigns for those of their users whom these have covered and who have newer data. Returns how many.';
