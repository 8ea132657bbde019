CREATE OR REPLACE VIEW attune.jobs WITH (security_invoker = true) AS
SELECT j.job_id, t.name AS tenant, u.user_id, k.name AS kind, f.name AS flow,
    coalesce(attune.ending_name(o.ending), p.state) AS state,
    coalesce(s.attempt, p.attempt) AS attempt, coalesce(o.tries, p.tries) AS tries, coalesce(w.name, p.worker) AS worker,
    j.enqueued_at, CASE WHEN o.job_id IS NULL THEN coalesce(p.run_at, j.run_at) ELSE j.run_at END AS run_at,
    coalesce(s.claimed_at, p.claimed_at) AS claimed_at, o.finished_at,
    coalesce(o.error_class, l.error_class) AS error_class, coalesce(o.message, l.message) AS message,
    o.revision_id, r.number AS revision, o.merged_into, j.campaign_id, j.retry_of, j.trace,
    o.examples, o.steps, o.rows, o.loss_before, o.loss_after, o.stored_bytes, s.fetch_ms, s.adapt_ms, s.encode_ms, s.upload_ms
FROM attune.job j
JOIN attune.tenant t ON t.tenant_id = j.tenant_id
LEFT JOIN attune."user" u ON u.uid = j.uid
JOIN attune.kind k ON k.kind_id = j.kind_id
JOIN attune.flow f ON f.flow_id = j.flow_id
LEFT JOIN attune.outcome o ON o.job_id = j.job_id
LEFT JOIN attune.outcome s ON s.job_id = o.job_id - coalesce(o.follows, 0)
LEFT JOIN attune.worker w ON w.worker_id = s.worker_id
LEFT JOIN attune.revision r ON r.revision_id = o.revision_id
LEFT JOIN LATERAL attune.job_place(CASE WHEN o.job_id IS NULL THEN j.job_id END, j.tenant_id) AS p ON true
LEFT JOIN LATERAL (
    SELECT a.error_class, a.message FROM attune.attempt_log a
    WHERE o.job_id IS NULL AND a.job_id = j.job_id ORDER BY a.log_id DESC LIMIT 1
) AS l ON true;
COMMENT ON VIEW attune.jobs IS 'Every job as it stands: scheduled, available, running, retryable, or how it ended (completed, kept, merged, covered, cancelled, discarded).';
