-- Texts of items of one tenant, by id.
-- $1 tenant_id integer
-- $2 item_ids integer[]
SELECT i.item_id, i.text, i.digest FROM attune.item i WHERE i.item_id = ANY ($2) AND i.tenant_id = $1
