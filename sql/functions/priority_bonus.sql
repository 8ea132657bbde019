CREATE OR REPLACE FUNCTION attune.priority_bonus(flow_id int, priority int) RETURNS bigint LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT least((s.priority_bonus[priority_bonus.priority + 1] * 1000.0 / f.weight)::bigint, s.priority_cap)
    FROM attune.flow f, attune.setting s
    WHERE f.flow_id = priority_bonus.flow_id AND s.priority_bonus[priority_bonus.priority + 1] IS NOT NULL
$$;
COMMENT ON FUNCTION attune.priority_bonus(int, int) IS 'How much smaller than its fair tag the sort key of a job of that priority is; null for a priority that attune.setting does not name.';
