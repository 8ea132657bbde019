-- $1 uids bigint[]
-- $2 example_limit int
-- The newest examples of users, at most $2 each, by recording and oldest first; the user's data_seq is of the same
-- snapshot, so that a revision knows exactly what it saw. A user without examples gives one row of nulls.
SELECT i.pos, u.data_seq,
    d.items[d.first:] AS items, d.labels[d.first:] AS labels, d.texts[d.first:] AS texts,
    d.object_key, d.sha256, d.byte_count
FROM unnest($1::bigint[]) WITH ORDINALITY AS i (uid, pos)
JOIN attune."user" u ON u.uid = i.uid
LEFT JOIN LATERAL (
    SELECT w.*, greatest(1, w.example_count - ($2::int - w.newer) + 1) AS first
    FROM (
        SELECT r.*, sum(r.example_count) OVER (ORDER BY r.seq DESC)::int - r.example_count AS newer
        FROM (
            SELECT s.seq, s.example_count, s.items, s.labels, s.texts, s.object_key, s.sha256, s.byte_count
            FROM attune.user_data s WHERE s.uid = i.uid ORDER BY s.seq DESC LIMIT $2::int
        ) AS r
    ) AS w WHERE w.newer < $2::int
) AS d ON true
ORDER BY i.pos, d.seq
