-- What an adaptation takes grows with the texts it reads, one an example up to the 128 newest; what it takes however small
-- it is, is that of thirty-two. Steps and tokens a text are the same for a tenant's jobs of a kind, on the whole: those are left
-- to attune.cost_factor. Plain SQL without settings, so that it is inlined where it stands in a statement over many users.
CREATE OR REPLACE FUNCTION attune.cost_share(p_examples bigint) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(32, least(128, p_examples)) / 32.0::double precision;
COMMENT ON FUNCTION attune.cost_share(bigint) IS 'What a job of a user with so many examples is estimated to take, in units of attune.setting.job_cost_ms.';
