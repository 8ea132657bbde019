-- Chunks put off because their tenant has no active base or recipe. Such a chunk is looked at again within a minute, so it
-- is among those that are due first.
SELECT t.name AS subject, count(*)::double precision AS measured,
    format('%s: %s chunks wait for an active base or recipe', t.name, count(*)) AS what,
    'they are looked at again once a minute, and nothing of the tenant runs' AS if_left,
    format('attune recipe activate --tenant %s, after attune base add and SELECT attune.promote(%L, …)', t.name, t.name) AS helps
FROM (SELECT c.tenant_id, c.kind_id, c.campaign_id, c.waits FROM attune.chunk c WHERE c.state = 2 ORDER BY c.run_at LIMIT 20000) AS d
JOIN attune.tenant t ON t.tenant_id = d.tenant_id
JOIN attune.kind k ON k.kind_id = d.kind_id AND k.is_of_users
LEFT JOIN attune.campaign g ON g.campaign_id = d.campaign_id
LEFT JOIN attune.active_base a ON a.tenant_id = d.tenant_id
WHERE d.waits > 0 AND NOT EXISTS (
    SELECT FROM attune.active_recipe r
    WHERE r.tenant_id = d.tenant_id AND r.base_id = coalesce(g.base_id, a.base_id) AND r.kind_id = d.kind_id)
GROUP BY t.name ORDER BY count(*) DESC LIMIT 5
