-- What a claim touches: run in a transaction that is undone, by a worker of its own, from the fullest lane. The first claim
-- starts at the beginning of the lane, as after a move; what is measured is the one after it, from the mark it left. It is
-- made twice and undone once: a session's first look at catalogues and plans, of thousands of pages, is no claim's.
CREATE FUNCTION pg_temp.claim_probe() RETURNS TABLE (
    waiting bigint, ended bigint, chunks bigint, jobs bigint, endings bigint, followers bigint, pages bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_worker bigint;
    v_lane int;
    v_mark record;
    v_plan json;
    v_before bigint[];
    v_followers bigint;
BEGIN
    SELECT r.worker_id INTO v_worker FROM attune.register_worker('claim probe', 'probe') AS r;
    SELECT c.lane INTO v_lane FROM attune.chunk c WHERE c.state = 0 GROUP BY c.lane ORDER BY count(*) DESC LIMIT 1;
    waiting := (SELECT count(*) FROM attune.chunk c WHERE c.state = 0);
    ended := (SELECT count(*) FROM attune.outcome);
    SELECT max(c.sort_key) AS key INTO v_mark FROM attune.claim(v_worker, v_lane, 1, 1) AS c WHERE c.chunk_id IS NOT NULL;
    v_before := ARRAY(SELECT c.chunk_id FROM attune.chunk c WHERE c.worker_id = v_worker);
    v_followers := (SELECT coalesce(sum(c.job_count), 0) FROM attune.chunk c WHERE c.born = pg_current_xact_id());
    BEGIN
        PERFORM FROM attune.claim(v_worker, coalesce(v_lane, 0), 1e6, 20, coalesce(v_mark.key, 0), -1);
        RAISE EXCEPTION 'undone';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) SELECT * FROM attune.claim(%s, %s, 1e6, 20, %s, -1)',
        v_worker, coalesce(v_lane, 0), coalesce(v_mark.key, 0)) INTO v_plan;
    pages := (v_plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (v_plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
    -- Those too that ended there and then, as covered or merged: their outcomes are part of what it costs.
    SELECT count(*), coalesce(sum(c.job_count), 0), coalesce(sum(c.job_count - c.live_count), 0) INTO chunks, jobs, endings
    FROM attune.chunk c WHERE c.worker_id = v_worker AND c.chunk_id <> ALL (v_before);
    -- Jobs that it made under the bases of running campaigns (attune.follow_campaigns).
    SELECT coalesce(sum(c.job_count), 0) - v_followers INTO followers FROM attune.chunk c WHERE c.born = pg_current_xact_id();
    RETURN NEXT;
END
$$;
