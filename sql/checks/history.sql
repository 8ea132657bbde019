-- The oldest partition, if it should have gone.
SELECT '' AS subject, h.days AS measured,
    format('partition %s should have gone %s days ago%s', attune.part_name('job', h.first_chunk), round(h.days::numeric, 1), ': ' || h.note) AS what,
    'history takes up disk, and every claim looks at one partition more' AS if_left,
    'end what its note names; jobs that wait for ever: attune jobs --state scheduled' AS helps
FROM (
    SELECT p.first_chunk, p.note, extract(epoch FROM clock_timestamp() - p.closed_at - make_interval(days => s.history_days))::double precision
        / 86400 AS days
    FROM attune.history_part p, attune.setting s ORDER BY p.first_chunk LIMIT 1
) AS h
WHERE h.days > 0
