-- Takes out the partition that has been looked through, or drops one that was taken out.
-- $1 epoch bigint
SELECT attune.drop_history($1)
