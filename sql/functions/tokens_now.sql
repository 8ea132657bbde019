CREATE OR REPLACE FUNCTION attune.tokens_now(p_tokens real, p_rate real, p_refilled_at timestamptz) RETURNS real LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
RETURN least(greatest(1, p_rate * 2),
    greatest(0, p_tokens) + p_rate * greatest(0, extract(epoch FROM clock_timestamp() - p_refilled_at))::real);
COMMENT ON FUNCTION attune.tokens_now(real, real, timestamptz) IS 'Jobs that a rate a second allows now; two seconds'' worth and at least one is kept.';
