SELECT s.revision_id, s.object_id, s.uid, s."offset", s.length, encode(s.sha256, 'hex') FROM attune.object_slot s
