-- Many jobs of a tenant at once, in chunks of 100, tagged as attune.feed_campaign and attune.bulk_commit tag them.
-- $1 tenant text
-- $2 flow text
-- $3 chunks bigint
-- $4 job_cost_ms real
WITH ahead AS MATERIALIZED (
    SELECT attune.add_partitions(1, $3)
), flow AS MATERIALIZED (
    SELECT f.tenant_id, f.flow_id, f.weight, attune.fair_tag(f.flow_id, $3 * 100) AS tag, u.first, u.count
    FROM attune.tenant t JOIN attune.flow f ON f.tenant_id = t.tenant_id AND f.name = $2
    CROSS JOIN LATERAL (SELECT min(n.uid) AS first, count(*) AS count FROM attune."user" n WHERE n.tenant_id = t.tenant_id) AS u
    WHERE t.name = $1 AND (SELECT count(*) FROM ahead) = 1
), chunk AS MATERIALIZED (
    SELECT nextval('attune.chunk_id_seq') AS id, n AS pos FROM generate_series(0, $3 - 1) AS n
), made AS (
    INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, job_count, cost_ms)
    SELECT c.id, f.tag + (c.pos * 100000.0 / f.weight)::bigint, attune.lane_for(c.id), f.tenant_id, f.flow_id, 1, 100, 100 * $4
    FROM chunk c, flow f
)
INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms)
SELECT c.id * 1024 + n, f.first + (c.pos * 100 + n) % f.count, f.tenant_id, f.flow_id, 1, $4
FROM chunk c, flow f, generate_series(0, 99) AS n
