-- Forgets dedup keys that were kept long enough.
-- $1 at_most integer
SELECT attune.forget_dedup($1)
