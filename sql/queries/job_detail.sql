-- One job with everything that is known of it.
-- $1 job bigint
SELECT v.job_id, v.tenant, v.user_id, v.kind, v.flow, v.state, v.attempt, v.tries, v.worker, v.enqueued_at, v.run_at, v.claimed_at,
    v.finished_at, v.error_class, v.message, v.revision, v.merged_into, v.retry_of, v.trace, v.examples, v.steps, v.rows,
    v.loss_before::double precision AS loss_before, v.loss_after::double precision AS loss_after, v.stored_bytes,
    v.fetch_ms, v.adapt_ms, v.encode_ms, v.upload_ms,
    greatest(0, (SELECT u.data_seq - r.data_through FROM attune.revision r JOIN attune."user" u ON u.uid = r.uid
        WHERE r.revision_id = v.revision_id)) AS newer_examples
FROM attune.jobs v WHERE v.job_id = $1
