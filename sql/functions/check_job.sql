CREATE OR REPLACE FUNCTION attune.check_job(
    tenant text, user_id text, flow text, flow_id int, kind text, kind_id smallint, payload bytea, dedup_key text, cost_ms real
) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    location text := tenant || '/' || user_id;
BEGIN
    IF flow_id IS NULL THEN
        PERFORM attune.refuse('unknown_flow', location, format('no flow %L', left(flow, 40)), 'say interactive, bulk or campaign');
    ELSIF kind_id IS NULL THEN
        PERFORM attune.refuse('unknown_kind', location, format('no kind %L', left(kind, 40)), 'SELECT name FROM attune.kind');
    ELSIF NOT (SELECT k.is_of_users FROM attune.kind k WHERE k.kind_id = check_job.kind_id) THEN
        PERFORM attune.refuse('wrong_kind', location, format('jobs of kind %s are no user''s', kind), 'let attune meta-train --cluster enqueue them');
    ELSIF length(payload) > 65536 THEN
        PERFORM attune.refuse('payload_too_long', location, format('%s bytes, the limit is 65536', length(payload)),
            'store the data and pass a reference to it');
    ELSIF dedup_key = '' OR length(dedup_key) > 1000 THEN
        PERFORM attune.refuse('bad_dedup_key', location, 'a dedup key has 1 to 1,000 characters', 'choose another key');
    ELSIF NOT (cost_ms > 0 AND cost_ms <= 3600000) THEN
        PERFORM attune.refuse('bad_cost', location, format('a cost of %s ms', cost_ms), 'give milliseconds above 0, at most an hour');
    END IF;
END
$$;
COMMENT ON FUNCTION attune.check_job(text, text, text, int, text, smallint, bytea, text, real) IS 'Refuses a job that cannot be accepted as it stands.';
