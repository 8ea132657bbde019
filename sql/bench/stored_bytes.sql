-- What a tenant's published users take in the store, pack headers and indexes included.
-- $1 tenant text
SELECT coalesce(sum(o.byte_count), 0)::bigint AS bytes,
    (SELECT count(*) FROM attune.object_slot s WHERE s.tenant_id = t.tenant_id) AS users
FROM attune.tenant t LEFT JOIN attune.object o ON o.tenant_id = t.tenant_id AND o.state = 0
WHERE t.name = $1 GROUP BY t.tenant_id
