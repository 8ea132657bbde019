-- Ends a delivery in one transaction.
-- $1 chunks bigint[]
-- $2 attempts integer[]
-- $3 tokens uuid[]
-- $4 object_key text
-- $5 object_sha256 bytea
-- $6 object_bytes bigint
-- $7 jobs bigint[]
-- $8 job_chunks bigint[]
-- $9 verdicts smallint[]
-- $10 epochs integer[]
-- $11 parents bigint[]
-- $12 data_through bigint[]
-- $13 offsets integer[]
-- $14 lengths integer[]
-- $15 sha256s bytea[]
-- $16 examples integer[]
-- $17 steps smallint[]
-- $18 rows smallint[]
-- $19 losses_before real[]
-- $20 losses_after real[]
-- $21 stored_bytes integer[]
-- $22 stage_ms integer[]: fetch, adapt, encode, upload
-- $23 delays_ms bigint[]
-- $24 error_classes text[]
-- $25 messages text[]
SELECT completed, kept, superseded, retried, discarded, erased, lost, already
FROM attune.publish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
    $24, $25)
