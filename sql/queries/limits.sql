-- What is limited, by tenant.
SELECT tenant, kind, max_running, rate, is_paused, reason, running, parked_chunks, parked_is_exact, granted_workers, set_at,
    set_by::text AS set_by
FROM attune.limits ORDER BY tenant, kind NULLS FIRST
