CREATE OR REPLACE VIEW attune.limits WITH (security_invoker = true) AS
SELECT r.tenant, r.kind, r.max_running, r.rate, r.is_paused, r.reason, r.running, r.parked AS parked_chunks, r.parked_is_exact,
    r.granted_workers, r.set_at, r.set_by
FROM attune.limit_rows() AS r;
COMMENT ON VIEW attune.limits IS 'Limits of tenants (kind null: all kinds together), how many of their jobs run, and how many chunks wait parked for room; that count stops at 20,000.';
