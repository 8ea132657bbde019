-- Takes back chunks whose lease or deadline is over.
-- $1 at_most integer
SELECT chunk_id, worker_id, error_class, requeued, discarded FROM attune.rescue($1)
