-- Gradients of meta-training as jobs: a tenant's, but no user's, under no recipe.
ALTER TABLE attune.kind ADD is_of_users boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN attune.kind.is_of_users IS 'Whether a job of it is one user''s, under a base and a recipe. Else its uid is 0, and base and recipe are null.';
INSERT INTO attune.kind VALUES (2, 'meta_gradient', false, false);

ALTER TABLE attune.chunk DROP CONSTRAINT chunk_check;
ALTER TABLE attune.chunk ADD CONSTRAINT chunk_lease_is_whole CHECK (state <> 1 OR (worker_id IS NOT NULL AND token IS NOT NULL
    AND deadline IS NOT NULL AND (kind_id = 2 OR (base_id IS NOT NULL AND recipe_id IS NOT NULL))));

CREATE TABLE attune.meta_run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id int NOT NULL REFERENCES attune.tenant ON DELETE CASCADE,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);
CREATE INDEX meta_run_tenant ON attune.meta_run (tenant_id);
COMMENT ON TABLE attune.meta_run IS 'A meta-training whose gradients are jobs. Its objects, prefix/meta-run_id/..., may go once it has ended or has not been seen for a day.';
COMMENT ON COLUMN attune.meta_run.seen_at IS 'When whoever trains last said so.';
ALTER TABLE attune.meta_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON attune.meta_run TO attune_worker, attune_operator USING (true);
CREATE POLICY own_tenant ON attune.meta_run FOR SELECT USING (tenant_id = ANY ((SELECT attune.tenants_of(current_user))::int[]));
