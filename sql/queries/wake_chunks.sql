-- Makes deferred chunks ready whose time has come.
-- $1 at_most integer
SELECT attune.wake($1)
