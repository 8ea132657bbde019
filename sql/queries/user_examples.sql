-- What users had recorded when their jobs were claimed, no more than the newest examples of each. A row of user_data holds
-- the examples numbered seq - example_count + 1 to seq, so one range of the primary key has them.
-- $1 uids bigint[]
-- $2 through bigint[]: data_seq of each
-- $3 newest bigint: examples of each user
SELECT d.uid, d.example_count, d.items, d.labels, d.texts, d.object_key, d.sha256, d.byte_count
FROM unnest($1::bigint[], $2::bigint[]) AS w (uid, through)
JOIN attune.user_data d ON d.uid = w.uid AND d.seq > w.through - $3 AND d.seq <= w.through
ORDER BY d.uid, d.seq
