-- Takes away what a tenant has waiting, between two parts of a run.
-- $1 tenant text
UPDATE attune.chunk c SET state = 4 FROM attune.tenant t WHERE t.name = $1 AND c.tenant_id = t.tenant_id AND c.state IN (0, 2, 3)
