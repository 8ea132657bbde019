SELECT o.object_id, o.tenant_id, o.key, encode(o.sha256, 'hex'), o.byte_count, o.state = 0 FROM attune.object o
