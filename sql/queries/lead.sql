-- Makes the holder of the lock the leader.
-- $1 name text
SELECT attune.lead($1)
