-- Jobs that ended in the queue.
SELECT count(*) FROM attune.outcome
