SELECT j.job_id, j.uid, j.tenant_id, encode(j.dedup_hash, 'hex') FROM attune.job j
