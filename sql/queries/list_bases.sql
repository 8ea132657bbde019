-- Registered bases, and the tenants that each serves.
SELECT b.name, b.digest, b.width, b.registered_at,
    coalesce((SELECT array_agg(t.name ORDER BY t.name) FROM attune.active_base a JOIN attune.tenant t ON t.tenant_id = a.tenant_id
        WHERE a.base_id = b.base_id), '{}') AS active_for
FROM attune.base b ORDER BY b.base_id
