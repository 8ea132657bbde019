CREATE OR REPLACE VIEW attune.backlog WITH (security_invoker = true) AS
SELECT b.tenant, b.flow, b.waiting, b.running, b.deferred, b.oldest, b.exact FROM attune.waiting_rows() AS b;
COMMENT ON VIEW attune.backlog IS 'Jobs that wait, run and are put off, by tenant and flow; estimates from below where exact is false.';
