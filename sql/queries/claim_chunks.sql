-- Takes chunks of one lane; the last row tells how the lane goes on.
-- $1 worker bigint
-- $2 lane integer
-- $3 cost_budget_ms real
-- $4 job_budget integer
-- $5 mark_key bigint
-- $6 mark_chunk bigint
-- $7 late_since text: a snapshot; what it does not show and lies before the mark. Null: from the mark on
SELECT chunk_id, attempt, token, tenant_id, tenant, key_prefix, kind, base_id, base_digest, recipe_id, recipe_digest,
    campaign_id, crashes, sort_key, deadline_seconds, job_ids, uids, users, epochs, parents, data_seqs, tries, payloads,
    ended_count, next_key, next_chunk, horizon::text, needs_empty_hands, cost_ms, flow_id, endings
FROM attune.claim($1, $2, $3, $4, $5, $6, $7::text::pg_snapshot)
