-- Waiting jobs of the user end as cancelled when they are claimed, running ones when they are published: both look at the
-- epoch. So no chunk is locked here, and nothing can deadlock with a publish but another erasure's order of users.
CREATE OR REPLACE FUNCTION attune.erase_user(tenant text, user_id text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant int := attune.require_tenant(tenant, 'produce');
    v_uid bigint := attune.require_user(tenant, v_tenant, erase_user.user_id);
    v_revisions bigint;
BEGIN
    PERFORM FROM attune."user" u WHERE u.uid = v_uid FOR UPDATE;
    UPDATE attune."user" u SET user_id = NULL, epoch = u.epoch + 1, data_seq = 0, erased_at = clock_timestamp()
    WHERE u.uid = v_uid AND u.erased_at IS NULL;
    DELETE FROM attune.user_data d WHERE d.uid = v_uid;
    DELETE FROM attune.pointer p WHERE p.uid = v_uid;
    DELETE FROM attune.object_slot s USING attune.revision r WHERE r.uid = v_uid AND s.revision_id = r.revision_id;
    DELETE FROM attune.revision r WHERE r.uid = v_uid;
    GET DIAGNOSTICS v_revisions = ROW_COUNT;
    DELETE FROM attune.campaign_judgement g WHERE g.uid = v_uid;
    DELETE FROM attune.dedup d USING attune.job j WHERE j.uid = v_uid AND d.tenant_id = v_tenant AND d.key_hash = j.dedup_hash;
    UPDATE attune.attempt_log l SET message = NULL FROM attune.job j
    WHERE j.uid = v_uid AND l.job_id = j.job_id AND l.message IS NOT NULL;
    UPDATE attune.outcome o SET message = NULL FROM attune.job j
    WHERE j.uid = v_uid AND o.job_id = j.job_id AND o.message IS NOT NULL;
    UPDATE attune.job j SET payload = NULL, trace = NULL, dedup_hash = NULL WHERE j.uid = v_uid;
    RETURN v_revisions;
END
$$;
COMMENT ON FUNCTION attune.erase_user(text, text) IS 'Removes a user''s examples, revisions, pointers, payloads and messages, and leaves a nameless tombstone whose epoch fences off late publishes. Packed bytes go when their objects are repacked or collected. Returns the number of revisions removed.';
