-- A job waits or runs in the chunk that carries its id, or, once that is closed, in the open chunk that lists it.
CREATE OR REPLACE FUNCTION attune.job_chunk(p_job bigint) RETURNS bigint LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
    SELECT coalesce(
        (SELECT c.chunk_id FROM attune.chunk c WHERE c.chunk_id = p_job >> 10 AND c.state <> 4 AND c.members IS NULL),
        (SELECT c.chunk_id FROM attune.chunk c WHERE c.members @> ARRAY[p_job] AND c.members IS NOT NULL AND c.state <> 4
         ORDER BY c.chunk_id DESC LIMIT 1))
$$;
COMMENT ON FUNCTION attune.job_chunk(bigint) IS 'The open chunk that holds a job; null when it has ended.';
