-- Samples by a dead owner's clock do not exist: all are stamped by the database. A lane's newest stays, however old: it
-- is what tells of an idle lane.
CREATE OR REPLACE FUNCTION attune.prune_samples(p_epoch bigint, p_limit int DEFAULT 5000) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    v_pruned int;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    PERFORM set_config('synchronous_commit', 'off', true);
    WITH newest AS MATERIALIZED (
        SELECT l.lane_id, (SELECT max(n.sampled_at) FROM attune.lane_sample n WHERE n.lane_id = l.lane_id) AS sampled_at
        FROM attune.lane l
    ), old AS (
        SELECT s.lane_id, s.sampled_at FROM attune.lane_sample s
        WHERE s.sampled_at < clock_timestamp() - interval '10 minutes'
            AND NOT EXISTS (SELECT FROM newest n WHERE n.lane_id = s.lane_id AND n.sampled_at = s.sampled_at)
        LIMIT p_limit
    ), pruned AS (
        DELETE FROM attune.lane_sample s USING old o WHERE s.lane_id = o.lane_id AND s.sampled_at = o.sampled_at RETURNING 1
    )
    SELECT count(*) INTO v_pruned FROM pruned;
    RETURN v_pruned;
END
$$;
COMMENT ON FUNCTION attune.prune_samples(bigint, int) IS 'Removes samples older than ten minutes that are not their lane''s newest, at most that many; returns how many. For the leader.';
