CREATE OR REPLACE VIEW attune.campaigns WITH (security_invoker = true) AS
SELECT c.campaign_id, t.name AS tenant, b.name AS base, b.digest AS base_digest, k.name AS kind, c.state, c.reason, c.fed,
    c.cursor_uid, c.created_at, c.created_by, c.ended_at
FROM attune.campaign c
JOIN attune.tenant t ON t.tenant_id = c.tenant_id
JOIN attune.base b ON b.base_id = c.base_id
JOIN attune.kind k ON k.kind_id = c.kind_id;
COMMENT ON VIEW attune.campaigns IS 'Re-adaptations of a tenant''s users under a base, and how far each has been fed.';
