SELECT o.job_id, o.uid, o.chunk_id, o.attempt, o.ending, o.worker_id, o.revision_id, o.merged_into,
    extract(epoch FROM o.claimed_at)::double precision, extract(epoch FROM o.finished_at)::double precision
FROM attune.outcome o
