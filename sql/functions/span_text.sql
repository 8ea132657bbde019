CREATE OR REPLACE FUNCTION attune.span_text(seconds double precision) RETURNS text LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
RETURN CASE
    WHEN seconds < 60 THEN round(seconds::numeric, 1) || ' s'
    WHEN seconds < 3600 THEN floor(seconds / 60) || ' min'
    WHEN seconds < 86400 THEN floor(seconds / 3600) || ' h ' || floor(seconds::numeric % 3600 / 60) || ' min'
    ELSE floor(seconds / 86400) || ' days'
END;
COMMENT ON FUNCTION attune.span_text(double precision) IS 'A time span as people say it: 7.5 s, 41 min, 3 h 51 min, 12 days.';
