-- A page of a catalogue, in the order of item ids.
-- $1 tenant text
-- $2 catalogue text
-- $3 after_item integer
-- $4 row_limit bigint
SELECT i.item_id, i.external_id, i.text, i.digest
FROM attune.tenant t
JOIN attune.catalogue c ON c.tenant_id = t.tenant_id AND c.name = $2
JOIN attune.item i ON i.catalogue_id = c.catalogue_id AND i.item_id > $3
WHERE t.name = $1
ORDER BY i.item_id
LIMIT $4
