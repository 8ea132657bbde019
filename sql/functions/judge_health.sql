-- A check that can find several things names each in subject; those within the limits are not worth a row. A measure that
-- is null could not be had, which is a finding itself.
CREATE OR REPLACE FUNCTION attune.judge_health(
    p_checked text[], p_names text[], p_subjects text[], p_measured double precision[], p_what text[], p_if_left text[], p_helps text[]
) RETURNS TABLE (
    name text, subject text, status text, measured double precision, unit text, warn_at double precision, bad_at double precision,
    what text, if_left text, helps text
) LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    WITH judged AS (
        SELECT c.name, r.subject, r.measured, c.unit, c.warn_at, c.bad_at, r.what, r.if_left, r.helps,
            CASE
                WHEN r.measured IS NULL THEN 'warn'
                WHEN CASE c.worse WHEN 'above' THEN r.measured > c.bad_at ELSE r.measured < c.bad_at END THEN 'bad'
                WHEN CASE c.worse WHEN 'above' THEN r.measured > c.warn_at ELSE r.measured < c.warn_at END THEN 'warn'
                ELSE 'ok'
            END AS status
        FROM unnest(p_names, p_subjects, p_measured, p_what, p_if_left, p_helps) AS r (name, subject, measured, what, if_left, helps)
        JOIN attune.health_check c ON c.name = r.name
    ), kept AS (
        SELECT DISTINCT ON (j.name, j.subject) j.* FROM judged j WHERE j.subject = '' OR j.status <> 'ok' 
        ORDER BY j.name, j.subject, array_position(ARRAY['bad', 'warn', 'ok'], j.status), j.measured DESC
    )
    SELECT k.name, k.subject, k.status, k.measured, k.unit, k.warn_at, k.bad_at, k.what, CASE WHEN k.status <> 'ok' THEN k.if_left END,
        CASE WHEN k.status = 'ok' THEN '' ELSE coalesce(k.helps, '') END
    FROM kept k
    UNION ALL
    SELECT c.name, '', 'ok', NULL, c.unit, c.warn_at, c.bad_at, c.passes, NULL, ''
    FROM attune.health_check c
    WHERE c.name = ANY (p_checked) AND NOT EXISTS (SELECT FROM kept k WHERE k.name = c.name)
$$;
COMMENT ON FUNCTION attune.judge_health(text[], text[], text[], double precision[], text[], text[], text[]) IS 'Readings of the checks that were made, judged by the limits in attune.health_check; one row for each check that found nothing.';
