CREATE OR REPLACE FUNCTION attune.leader_lives() RETURNS boolean LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(d.seen_at > clock_timestamp() - make_interval(secs => s.lease_seconds), false)
    FROM attune.leader d, attune.setting s);
COMMENT ON FUNCTION attune.leader_lives() IS 'Whether a scheduler has led within the last lease.';
