-- What a publish whose fence is off asks: of how many of its jobs the chunk is not leased under the token it brings.
CREATE FUNCTION attune.jobs_without_lease(p_chunks bigint[], p_attempts int[], p_tokens uuid[], p_job_chunks bigint[]) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM unnest(p_chunks, p_attempts, p_tokens) AS i (chunk_id, attempt, token)
    JOIN attune.chunk c ON c.chunk_id = i.chunk_id JOIN unnest(p_job_chunks) AS j (chunk_id) ON j.chunk_id = i.chunk_id
    WHERE c.attempt <> i.attempt OR c.token IS DISTINCT FROM i.token OR c.state <> 1
$$;
