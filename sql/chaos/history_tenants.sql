SELECT t.tenant_id, t.key_prefix, a.base_id, coalesce(a.epoch, 0) FROM attune.tenant t LEFT JOIN attune.active_base a USING (tenant_id)
