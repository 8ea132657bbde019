-- $1 item_ids int[]
-- Texts of items whose features have to be computed.
SELECT t.item_id, t.text FROM attune.item t WHERE t.item_id = ANY ($1::int[])
