SELECT u.uid, u.tenant_id, u.data_seq, u.erased_at IS NOT NULL, EXISTS (SELECT FROM attune.user_data d WHERE d.uid = u.uid)
FROM attune."user" u
