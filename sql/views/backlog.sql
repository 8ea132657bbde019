CREATE OR REPLACE VIEW attune.backlog WITH (security_invoker = true) AS
SELECT b.tenant, b.flow, b.waiting, b.running, b.deferred, b.oldest, b.exact, b.as_of FROM attune.waiting_rows() AS b;
COMMENT ON VIEW attune.backlog IS 'Jobs that wait, run and are put off, by tenant and flow; estimates where exact is false, as of the lanes'' samples. Costs the same whatever waits.';
COMMENT ON COLUMN attune.backlog.oldest IS 'When the job that has waited longest was enqueued.';
