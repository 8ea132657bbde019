CREATE OR REPLACE VIEW attune.backlog WITH (security_invoker = true) AS
SELECT b.tenant, b.flow, b.waiting, b.running, b.deferred, b.parked, b.oldest, b.exact, b.as_of, b.growth_per_second FROM attune.waiting_rows() AS b;
COMMENT ON VIEW attune.backlog IS 'Jobs that wait, run, are put off to a later time, and are parked until a limit leaves room or a pause ends, by tenant and flow; estimates where exact is false, as of the lanes'' samples. Costs the same whatever waits.';
COMMENT ON COLUMN attune.backlog.growth_per_second IS 'Jobs by which waiting grew a second over the last minute, as samples of the lanes tell; null where they do not.';
COMMENT ON COLUMN attune.backlog.oldest IS 'When the job that has waited longest was enqueued.';
