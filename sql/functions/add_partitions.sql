-- A partition holds 2^20 chunk ids. Tables are made apart and attached: that takes no lock that stops readers or
-- writers of the parent, which CREATE TABLE … PARTITION OF would.
CREATE OR REPLACE FUNCTION attune.add_partitions(ahead int DEFAULT 3, chunks bigint DEFAULT 0) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids_each constant bigint := 1048576 * 1024;
    wanted int;
    made int := 0;
    parent text;
    part text;
BEGIN
    SELECT ((last_value + add_partitions.chunks) / 1048576)::int + ahead INTO wanted FROM attune.chunk_id_seq;
    IF to_regclass(format('attune.outcome_p%s', lpad(wanted::text, 6, '0'))) IS NOT NULL THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('attune.add_partitions', 0));
    FOR n IN 0 .. wanted LOOP
        FOREACH parent IN ARRAY ARRAY['job', 'outcome'] LOOP
            part := format('%s_p%s', parent, lpad(n::text, 6, '0'));
            CONTINUE WHEN to_regclass('attune.' || part) IS NOT NULL;
            -- Dropped partitions stay dropped: only numbers above the newest one are made.
            CONTINUE WHEN EXISTS (
                SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = format('attune.%s', parent)::regclass AND c.relname > part);
            EXECUTE format('CREATE TABLE attune.%I (LIKE attune.%I INCLUDING ALL)', part, parent);
            EXECUTE format(
                'ALTER TABLE attune.%I SET (autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.1)', part);
            EXECUTE format('ALTER TABLE attune.%I ATTACH PARTITION attune.%I FOR VALUES FROM (%s) TO (%s)',
                parent, part, n * ids_each, (n + 1) * ids_each);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION attune.add_partitions(int, bigint) IS 'Makes the partitions of job and outcome that the next chunks (that many, and some partitions ahead) need; returns how many tables it made. Heartbeats and bulks call it.';

SELECT attune.add_partitions();
