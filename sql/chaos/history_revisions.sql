SELECT r.revision_id, r.uid, r.tenant_id, r.base_id, r.recipe_id, r.parent_id, r.job_id, r.number FROM attune.revision r
