-- Chunks of a tenant that have not ended.
-- $1 tenant text
SELECT count(*) FROM attune.chunk c JOIN attune.tenant t USING (tenant_id) WHERE t.name = $1 AND c.state < 4
