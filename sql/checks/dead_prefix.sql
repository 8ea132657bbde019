-- Pages that a claim without a low-water mark reads to find the head of a lane: what was claimed before and could not be
-- removed yet. Four lanes at random: each look may be long.
SELECT '' AS subject, max(p.pages)::double precision AS measured,
    format('a claim reads up to %s pages to find the head of a lane', max(p.pages)) AS what,
    'owners look at each lane from its start once a minute and after each move: these looks get slower' AS if_left,
    'end what pins xmin (attune doctor names it), then VACUUM attune.chunk;' AS helps
FROM (SELECT l.lane_id FROM attune.lane l ORDER BY random() LIMIT 4) AS s
CROSS JOIN LATERAL (SELECT attune.head_pages(s.lane_id) AS pages OFFSET 0) AS p
