-- The schema, and the group roles that its grants name.
--
-- Roles belong to the whole cluster: another database may have made them already, or be making them now. Where this
-- connection may not create roles, whoever may must have done so before; the message says with which statements.
CREATE SCHEMA IF NOT EXISTS attune;
COMMENT ON SCHEMA attune IS 'Attune: per-user adapters of one frozen model, and the queue that keeps them fresh.';

DO $$
DECLARE
    wanted name;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['attune_worker', 'attune_operator', 'attune_producer', 'attune_reader']::name[] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this cluster was migrated at the same time
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role %: role_missing: it does not exist and % may not create it', wanted, current_user
                    USING ERRCODE = 'AT403', DETAIL = 'role_missing', HINT = format(
                        'as a role with CREATEROLE run: CREATE ROLE attune_worker; CREATE ROLE attune_operator; '
                        'CREATE ROLE attune_producer; CREATE ROLE attune_reader;');
        END;
    END LOOP;
END
$$;
