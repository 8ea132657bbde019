-- Records that condemned objects are gone.
-- $1 keys text[]
SELECT attune.objects_deleted($1)
