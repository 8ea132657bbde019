-- Last by name, so that it meets every function and view: who may do what. Whatever is not granted here is the owner's.
DO $$
DECLARE
    one regprocedure;
    signature text;
BEGIN
    FOR one IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'attune'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
    GRANT USAGE ON SCHEMA attune TO attune_worker, attune_operator, attune_producer, attune_reader;

    -- Readers: their tenant's rows, by row-level security, and shared rows without a tenant.
    GRANT SELECT ON attune.tenant, attune.flow, attune.recipe, attune.recipe_file, attune.active_base, attune.active_recipe,
        attune.catalogue, attune.item, attune."user", attune.user_data, attune.job, attune.outcome, attune.attempt_log,
        attune.object, attune.revision, attune.object_slot, attune.pointer, attune.campaign, attune.base, attune.kind,
        attune.jobs, attune.users, attune.backlog, attune.campaigns, attune.recent_outcomes
        TO attune_reader, attune_producer;
    GRANT SELECT (worker_id, name) ON attune.worker TO attune_reader, attune_producer;
    -- Workers and operators: all tenants' rows.
    GRANT SELECT ON ALL TABLES IN SCHEMA attune TO attune_worker, attune_operator;

    -- What views and policies call, for everyone who may read.
    FOREACH signature IN ARRAY ARRAY['caller()', 'tenants_of(name)', 'ending_name(smallint)', 'job_place(bigint, int)',
        'waiting_rows()', 'outcomes_since(text, text, int)', 'text_bytes(text[])', 'text_digest(text)'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION attune.%s TO attune_reader, attune_producer, attune_operator, attune_worker', signature);
    END LOOP;
    -- What producers and operators ask for; each function checks the tenant itself.
    FOREACH signature IN ARRAY ARRAY['record(text, text, jsonb, text)', 'record_object(text, text, int, text, bytea, bigint)',
        'record_begin()', 'record_commit(text, text)', 'bulk_begin()', 'bulk_rejected()',
        'bulk_commit(text, text, text, timestamptz, real, boolean)',
        'enqueue_many(text, text[], bytea[], text[], text[], text, text, timestamptz, real, boolean, bigint)',
        'enqueue(text, text, text, text, bytea, text, timestamptz, real, text, int)', 'cancel(bigint)', 'retry(bigint)',
        'rollback(text, text, int, int)', 'erase_user(text, text)', 'activate_recipe(text, text)'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION attune.%s TO attune_producer, attune_operator', signature);
    END LOOP;
    FOREACH signature IN ARRAY ARRAY['create_tenant(text)', 'map_role(text, name, text)', 'set_lanes(int)',
        'drain_worker(bigint, text)'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION attune.%s TO attune_operator', signature);
    END LOOP;
    -- The queue itself: workers and schedulers only.
    FOREACH signature IN ARRAY ARRAY['register_worker(text, text)', 'heartbeat(bigint, bigint, int)', 'drain_worker(bigint, text)',
        'claim(bigint, int, real, int, bigint, bigint, pg_snapshot)',
        'publish(bigint[], int[], uuid[], text, bytea, bigint, bigint[], bigint[], smallint[], int[], bigint[], bigint[], int[], int[], '
        'bytea[], int[], smallint[], smallint[], real[], real[], int[], int[], bigint[], text[], text[])',
        'rescue(int)', 'wake(int)', 'adopt_lanes(bigint)', 'move_lanes(bigint, int[], bigint[], bigint[])', 'lead(text)',
        'leader_seen(bigint)', 'require_leader(bigint)', 'advance_fair_clock()', 'add_partitions(int, bigint)',
        'condemn_objects(text[], bigint[])', 'objects_deleted(text[])',
        'forget_dedup(int)'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION attune.%s TO attune_worker', signature);
    END LOOP;
END
$$;
