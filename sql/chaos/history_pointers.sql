SELECT p.uid, p.base_id, p.revision_id, p.number, p.judged_through FROM attune.pointer p
