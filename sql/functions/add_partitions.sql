-- A partition holds 2^20 chunk ids, or, once those proved to last less than an eighth of history_days, as many as were
-- used in that time: a claim looks at every partition there is, so they are to stay about a dozen at any rate of work.
-- Tables are made apart and attached: that takes no lock that stops readers or writers of the parent, which
-- CREATE TABLE … PARTITION OF would.
CREATE OR REPLACE FUNCTION attune.add_partitions(ahead int DEFAULT 3, chunks bigint DEFAULT 0) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    least_ids constant bigint := 1048576;
    most_ids constant bigint := 1073741824;
    wanted bigint;
    made int := 0;
    first bigint;
    ids bigint;
    parent text;
    part text;
BEGIN
    SELECT last_value + add_partitions.chunks + ahead * least_ids INTO wanted FROM attune.chunk_id_seq;
    IF (SELECT max(h.end_chunk) FROM attune.history_part h) > wanted THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('attune.add_partitions', 0));
    SELECT coalesce(max(h.end_chunk), 0) INTO first FROM attune.history_part h;
    -- The newest partition that was used up says how fast ids go.
    SELECT h.passed_ids * extract(epoch FROM make_interval(days => s.history_days)) / 8
        / greatest(extract(epoch FROM h.passed_at - h.used_at), 1)
    INTO ids FROM attune.history_part h, attune.setting s WHERE h.passed_at IS NOT NULL ORDER BY h.first_chunk DESC LIMIT 1;
    ids := least(most_ids, 2 ^ ceil(log(2, greatest(least_ids, least(coalesce(ids, 0), most_ids)))));
    WHILE first <= wanted LOOP
        FOREACH parent IN ARRAY ARRAY['job', 'outcome'] LOOP
            part := attune.part_name(parent, first);
            EXECUTE format('CREATE TABLE attune.%I (LIKE attune.%I INCLUDING ALL)', part, parent);
            EXECUTE format(
                'ALTER TABLE attune.%I SET (autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.1)', part);
            EXECUTE format('ALTER TABLE attune.%I ATTACH PARTITION attune.%I FOR VALUES FROM (%s) TO (%s)',
                parent, part, first * 1024, (first + ids) * 1024);
            made := made + 1;
        END LOOP;
        INSERT INTO attune.history_part (first_chunk, end_chunk) VALUES (first, first + ids);
        first := first + ids;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION attune.add_partitions(int, bigint) IS 'Makes the partitions of job and outcome that the next chunks (that many, and some times 2^20 ids ahead) need; returns how many tables it made. Heartbeats and bulks call it.';
