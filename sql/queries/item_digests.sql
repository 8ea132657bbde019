-- $1 item_ids int[]
-- Digests of the texts of items; those that are gone have no row.
SELECT t.item_id, t.digest FROM attune.item t WHERE t.item_id = ANY ($1::int[])
