-- One user under the tenant's active base.
-- $1 tenant text
-- $2 user_id text
SELECT uid, examples, revision, published_at, data_through, newer_examples, base, recipe, stored_bytes, created_at
FROM attune.users WHERE tenant = $1 AND user_id = $2
