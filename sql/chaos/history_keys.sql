SELECT d.tenant_id, encode(d.key_hash, 'hex'), d.job_id FROM attune.dedup d
