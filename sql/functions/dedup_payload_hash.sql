CREATE OR REPLACE FUNCTION attune.dedup_payload_hash(uid bigint, kind text, payload bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(int8send(uid) || convert_to(kind, 'UTF8') || '\x00'::bytea || coalesce('\x01'::bytea || payload, '\x00'::bytea));
COMMENT ON FUNCTION attune.dedup_payload_hash(bigint, text, bytea) IS 'What must be equal for two enqueues under one dedup key to be the same job.';
