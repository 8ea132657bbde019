-- Every base.
SELECT base_id, name, digest, width, registered_at FROM attune.base ORDER BY base_id
