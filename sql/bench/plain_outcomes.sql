-- Jobs that a plain queue has ended.
SELECT count(*) FROM bench.outcome
