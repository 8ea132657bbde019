-- Every outcome, with what it shares with the first of its run.
SELECT o.job_id, j.uid, s.chunk_id, s.attempt, o.ending, s.worker_id, o.revision_id, o.merged_into,
    extract(epoch FROM s.claimed_at)::double precision, extract(epoch FROM o.finished_at)::double precision
FROM attune.outcome o JOIN attune.outcome s ON s.job_id = o.job_id - coalesce(o.follows, 0) AND s.follows IS NULL
JOIN attune.job j ON j.job_id = o.job_id
