-- What must live on is copied ahead, in transactions of their own, so that the exchange in attune.drop_history takes an
-- instant and shows every snapshot the same jobs. The jobs of a closed partition that have not ended can only get fewer:
-- whatever ends behind this walk is one of those it copied.
CREATE OR REPLACE FUNCTION attune.walk_history(p_epoch bigint, p_budget int DEFAULT 10000, p_most_stragglers int DEFAULT 100000)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_part attune.history_part;
    v_days interval;
    v_parent text;
    v_looked int;
    v_copied int;
    v_last bigint;
BEGIN
    PERFORM attune.require_leader(p_epoch);
    SELECT make_interval(days => s.history_days) INTO v_days FROM attune.setting s;
    SELECT h.* INTO v_part FROM attune.history_part h ORDER BY h.first_chunk LIMIT 1;
    IF coalesce(v_part.closed_at >= clock_timestamp() - v_days OR v_part.next_try_at > clock_timestamp()
        OR v_part.walked_to >= v_part.end_chunk * 1024, false) OR v_part.closed_at IS NULL THEN
        RETURN 0;
    END IF;
    IF v_part.walked_to IS NULL THEN
        FOREACH v_parent IN ARRAY ARRAY['job', 'outcome'] LOOP
            EXECUTE format('DROP TABLE IF EXISTS attune.%I', v_parent || '_carry_next');
            EXECUTE format('CREATE TABLE attune.%I (LIKE attune.%I INCLUDING ALL)', v_parent || '_carry_next', v_parent);
            -- Spares the exchange the look at every row.
            EXECUTE format('ALTER TABLE attune.%I ADD CONSTRAINT carried_below CHECK (job_id < %s)', v_parent || '_carry_next',
                v_part.end_chunk * 1024);
        END LOOP;
        v_part.walked_to := -1;
        v_part.cutoff := clock_timestamp() - v_days;
        v_part.stragglers := 0;
    END IF;

    -- A plan for these ids: the parent's statistics know nothing of the newest partitions, and the tables are new.
    EXECUTE $walk$
        WITH looked AS MATERIALIZED (
            SELECT j.job_id FROM attune.job j WHERE j.job_id > $1 AND j.job_id < $2 ORDER BY j.job_id LIMIT $3
        ), straggler AS MATERIALIZED (
            SELECT l.job_id FROM looked l
            WHERE NOT EXISTS (SELECT FROM attune.outcome o WHERE o.job_id = l.job_id AND o.job_id < $2 AND o.finished_at < $4)
        ), jobs AS (
            INSERT INTO attune.job_carry_next SELECT j.* FROM attune.job j JOIN straggler s ON j.job_id = s.job_id
            WHERE j.job_id > $1 AND j.job_id < $2
        ), outcomes AS (
            INSERT INTO attune.outcome_carry_next SELECT o.* FROM attune.outcome o JOIN straggler s ON o.job_id = s.job_id
            WHERE o.job_id > $1 AND o.job_id < $2
        )
        SELECT (SELECT count(*) FROM looked), (SELECT count(*) FROM straggler), (SELECT max(job_id) FROM looked)
    $walk$ INTO v_looked, v_copied, v_last USING v_part.walked_to, v_part.end_chunk * 1024, p_budget, v_part.cutoff;
    IF v_part.stragglers + v_copied > p_most_stragglers THEN
        UPDATE attune.history_part h SET walked_to = NULL, cutoff = NULL, stragglers = 0,
            next_try_at = clock_timestamp() + interval '1 day',
            note = format('more than %s of its jobs have not ended or ended late', p_most_stragglers)
        WHERE h.first_chunk = v_part.first_chunk;
        DROP TABLE attune.job_carry_next, attune.outcome_carry_next;
        RETURN 0;
    END IF;
    UPDATE attune.history_part h SET cutoff = v_part.cutoff, stragglers = v_part.stragglers + v_copied,
        walked_to = CASE WHEN v_looked < p_budget THEN h.end_chunk * 1024 ELSE v_last END,
        copied = pg_current_xact_id(), note = NULL
    WHERE h.first_chunk = v_part.first_chunk;
    RETURN v_looked;
END
$$;
COMMENT ON FUNCTION attune.walk_history(bigint, int, int) IS 'For the leader: looks at the next jobs, at most that many, of the oldest partition if it is due to go, and copies those that have not ended or ended within history_days into attune.job_carry_next and attune.outcome_carry_next. Returns how many it looked at; 0 when there is nothing to look at. With more stragglers than allowed the partition stays another day.';
