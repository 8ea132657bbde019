-- Order of locks, the same for everyone: chunks by id, users by uid, pointers by uid, object key. The chunk lock comes
-- first and alone: the statements after it see all that earlier holders of it wrote, which one statement that waited
-- for it would not. Users are locked FOR KEY SHARE, which excludes erasure but not a producer that is recording examples.
-- A job that was kept with nothing new to say of its user locks neither: its outcome names nothing that erasure removes.
--
-- Verdicts in: 1 completed, 2 kept, 3 completed without a revision (its message says what came of it), 6 discarded, 7 failed (costs a try), 8 snoozed, 9 handed back.
-- Decided here: 5 erased, 10 superseded, 11 object collected; 0 lost or ended before.
CREATE OR REPLACE FUNCTION attune.publish(
    p_chunks bigint[], p_attempts int[], p_tokens uuid[],
    p_object_key text, p_object_sha256 bytea, p_object_bytes bigint,
    p_jobs bigint[], p_job_chunks bigint[], p_verdicts smallint[], p_epochs int[], p_parents bigint[], p_data_through bigint[],
    p_offsets int[], p_lengths int[], p_sha256s bytea[],
    p_examples int[], p_steps smallint[], p_rows smallint[], p_losses_before real[], p_losses_after real[],
    p_stored_bytes int[], p_stage_ms int[],
    p_delays_ms bigint[], p_error_classes text[], p_messages text[]
) RETURNS TABLE (
    completed int, kept int, superseded int, retried int, discarded int, erased int, lost bigint[], already bigint[]
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    v_live bigint[];
    v_live_jobs int;
    v_object bigint;
    v_uids bigint[];
    v_tenants int[];
    v_chunks bigint[];
    v_points boolean[];
    v_any_points boolean;
    v_locked bigint[];
    v_final smallint[];
    v_fresh boolean[];
    v_numbers int[];
    v_revisions bigint[];
    v_tries smallint[];
    v_inserted bigint[];
    v_expected int;
    v_done int;
    v_now timestamptz;
BEGIN
    SELECT array_agg(l.chunk_id), coalesce(sum(l.live_count), 0) INTO v_live, v_live_jobs
    FROM (
        SELECT c.chunk_id, c.live_count
        FROM unnest(p_chunks, p_attempts, p_tokens) AS i (chunk_id, attempt, token) JOIN attune.chunk c ON c.chunk_id = i.chunk_id
        WHERE c.attempt = i.attempt AND c.token = i.token AND c.state + 0 = 1  -- by its id: not by an index of all that is leased
        ORDER BY c.chunk_id FOR UPDATE OF c
    ) AS l;
    completed := 0; kept := 0; superseded := 0; retried := 0; discarded := 0; erased := 0;
    -- No live chunk is a question, not a failure: a chunk closed under my token is one whose COMMIT reply got lost.
    lost := '{}';
    already := '{}';
    IF v_live IS NULL OR cardinality(v_live) < cardinality(p_chunks) THEN
        SELECT coalesce(array_agg(i.chunk_id) FILTER (WHERE c.chunk_id IS NULL), '{}'),
            coalesce(array_agg(i.chunk_id) FILTER (WHERE c.chunk_id IS NOT NULL), '{}')
        INTO lost, already
        FROM unnest(p_chunks, p_attempts, p_tokens) AS i (chunk_id, attempt, token)
        LEFT JOIN attune.chunk c ON c.chunk_id = i.chunk_id AND c.attempt = i.attempt AND c.token = i.token AND c.state + 0 = 4
        WHERE i.chunk_id <> ALL (coalesce(v_live, '{}'));
    END IF;
    IF v_live IS NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;

    -- Whose jobs they are is what the jobs say, in the order of the input. A pointer is set for each revision, and for what was
    -- kept unless it says already that this data was looked at under this recipe. Only then, or where words are written down
    -- that an erasure has to find, is the user locked; for the others this is the only look at the user.
    SELECT array_agg(d.uid), array_agg(d.tenant_id), array_agg(d.chunk_id), array_agg(d.points), bool_or(d.points),
        array_agg(d.uid) FILTER (WHERE d.points OR d.verdict BETWEEN 6 AND 8),
        array_agg(CASE WHEN d.is_lost THEN 0 WHEN coalesce(d.epoch_now, 0) IS DISTINCT FROM d.epoch THEN 5 ELSE d.verdict END::smallint),
        array_agg(d.tries)
    INTO v_uids, v_tenants, v_chunks, v_points, v_any_points, v_locked, v_final, v_tries FROM (
        SELECT j.uid, j.tenant_id, i.verdict, CASE WHEN i.chunk_id IN (SELECT unnest(v_live)) THEN i.chunk_id END AS chunk_id,
            CASE i.verdict
                WHEN 1 THEN true
                WHEN 2 THEN CASE WHEN p.uid IS NULL THEN i.data_through > 0
                    ELSE p.judged_through <> i.data_through OR p.recipe_id <> c.recipe_id END
                ELSE false END AS points,
            coalesce(c.tries[array_position(c.members, i.id)], 0)::smallint AS tries, i.epoch, u.epoch AS epoch_now,
            j.uid IS NULL OR o.job_id IS NOT NULL OR i.chunk_id NOT IN (SELECT unnest(v_live))
                OR CASE WHEN c.members IS NULL THEN i.id >> 10 <> c.chunk_id ELSE i.id <> ALL (c.members) END AS is_lost
        FROM unnest(p_jobs, p_job_chunks, p_verdicts, p_data_through, p_epochs) WITH ORDINALITY
            AS i (id, chunk_id, verdict, data_through, epoch, pos)
        LEFT JOIN attune.job j ON j.job_id = i.id
        LEFT JOIN attune.chunk c ON c.chunk_id = i.chunk_id
        LEFT JOIN attune.pointer p ON p.uid = CASE i.verdict WHEN 2 THEN j.uid END AND p.base_id = c.base_id
        LEFT JOIN attune."user" u ON u.uid = j.uid
        LEFT JOIN attune.outcome o ON o.job_id = CASE WHEN c.ended_count > 0 THEN i.id END
        ORDER BY i.pos
    ) AS d;
    IF v_locked IS NOT NULL THEN
        PERFORM u.uid FROM unnest(v_locked) AS i (uid) JOIN attune."user" u ON u.uid = i.uid ORDER BY u.uid FOR KEY SHARE OF u;
    END IF;
    IF v_any_points THEN
        PERFORM p.uid
        FROM unnest(v_uids, v_points, v_chunks) AS i (uid, points, chunk_id)
        JOIN attune.chunk c ON c.chunk_id = i.chunk_id JOIN attune.pointer p ON p.uid = i.uid AND p.base_id = c.base_id
        WHERE i.points
        ORDER BY p.uid, p.base_id FOR UPDATE OF p;
    END IF;
    v_now := clock_timestamp();

    IF p_object_key IS NOT NULL THEN
        INSERT INTO attune.object (tenant_id, key, sha256, byte_count)
        SELECT c.tenant_id, p_object_key, p_object_sha256, p_object_bytes FROM attune.chunk c WHERE c.chunk_id = v_live[1]
        ON CONFLICT (key) DO NOTHING RETURNING object_id INTO v_object;
        IF v_object IS NULL THEN  -- another part of this delivery named it, or it was condemned as an orphan
            SELECT o.object_id INTO v_object FROM attune.object o
            WHERE o.key = p_object_key AND o.state = 0 AND o.sha256 = p_object_sha256 FOR SHARE;
        END IF;
    END IF;

    -- What becomes of each job, now that nothing of it can change, in the order of the input.
    IF v_locked IS NOT NULL THEN
        SELECT array_agg(d.final), array_agg(d.fresh), array_agg(d.number), array_agg(d.tries),
            array_agg(CASE WHEN d.final = 1 THEN nextval('attune.revision_revision_id_seq') END)
        INTO v_final, v_fresh, v_numbers, v_tries, v_revisions
        FROM (
            SELECT p.uid IS NULL AS fresh, coalesce(p.number, 0) + 1 AS number,
                coalesce(c.tries[array_position(c.members, i.job_id)], 0)::smallint AS tries,
                (CASE
                    WHEN c.chunk_id IS NULL OR i.uid IS NULL OR o.job_id IS NOT NULL THEN 0
                    WHEN coalesce(u.epoch, 0) IS DISTINCT FROM i.epoch THEN 5
                    WHEN i.verdict = 1 AND (p.revision_id IS DISTINCT FROM i.parent
                        OR row_number() OVER (PARTITION BY i.uid, c.base_id, i.verdict ORDER BY i.pos) > 1) THEN 10
                    -- What was kept leaves the revision as it is, so that comparing it does not see who has looked at more.
                    WHEN i.points AND i.data_through < p.judged_through THEN 10
                    WHEN i.verdict = 1 AND v_object IS NULL THEN 11
                    ELSE i.verdict
                END)::smallint AS final
            FROM unnest(p_jobs, v_uids, v_points, v_chunks, p_verdicts, p_epochs, p_parents, p_data_through) WITH ORDINALITY
                AS i (job_id, uid, points, chunk_id, verdict, epoch, parent, data_through, pos)
            LEFT JOIN attune.chunk c ON c.chunk_id = i.chunk_id
                AND CASE WHEN c.members IS NULL THEN i.job_id >> 10 = c.chunk_id ELSE i.job_id = ANY (c.members) END
            LEFT JOIN attune."user" u ON u.uid = i.uid
            LEFT JOIN attune.pointer p ON p.uid = CASE WHEN i.points THEN i.uid END AND p.base_id = c.base_id
            LEFT JOIN attune.outcome o ON o.job_id = CASE WHEN c.ended_count > 0 THEN i.job_id END
            ORDER BY i.pos
        ) AS d;
    END IF;

    IF v_any_points THEN
        -- First pointers, in the order of uid. One that another publish has just made loses.
        WITH made AS (
            INSERT INTO attune.pointer (uid, base_id, tenant_id, revision_id, number, recipe_id, judged_through)
            SELECT i.uid, c.base_id, c.tenant_id, i.revision, CASE i.final WHEN 1 THEN 1 ELSE 0 END, c.recipe_id, i.data_through
            FROM unnest(v_uids, v_points, v_final, v_fresh, v_revisions, v_chunks, p_data_through, p_parents)
                AS i (uid, points, final, fresh, revision, chunk_id, data_through, parent)
            JOIN attune.chunk c ON c.chunk_id = i.chunk_id
            WHERE i.points AND i.fresh AND i.final IN (1, 2) AND i.parent IS NULL
            ORDER BY i.uid, i.final
            ON CONFLICT DO NOTHING RETURNING uid
        )
        SELECT array_agg(m.uid) INTO v_inserted FROM made m;
        SELECT count(DISTINCT i.uid) INTO v_expected FROM unnest(v_uids, v_points, v_final, v_fresh) AS i (uid, points, final, fresh)
        WHERE i.points AND i.fresh AND i.final IN (1, 2);
        IF v_expected > coalesce(cardinality(v_inserted), 0) THEN
            SELECT array_agg(CASE WHEN i.points AND i.fresh AND i.final IN (1, 2) AND i.uid <> ALL (coalesce(v_inserted, '{}')) THEN 10
                ELSE i.final END ORDER BY i.pos)
            INTO v_final FROM unnest(v_uids, v_points, v_final, v_fresh) WITH ORDINALITY AS i (uid, points, final, fresh, pos);
        END IF;

        -- Pointers that were there: locked above, so compared and set under that lock.
        UPDATE attune.pointer p SET
            revision_id = CASE i.final WHEN 1 THEN i.revision ELSE p.revision_id END,
            number = CASE i.final WHEN 1 THEN i.number ELSE p.number END,
            recipe_id = c.recipe_id, judged_through = i.data_through, updated_at = v_now
        FROM unnest(v_uids, v_points, v_final, v_fresh, v_revisions, v_numbers, v_chunks, p_data_through, p_parents)
            AS i (uid, points, final, fresh, revision, number, chunk_id, data_through, parent)
        JOIN attune.chunk c ON c.chunk_id = i.chunk_id
        WHERE p.uid = i.uid AND p.base_id = c.base_id AND i.points AND NOT i.fresh AND i.final IN (1, 2)
            AND p.revision_id IS NOT DISTINCT FROM i.parent;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        SELECT count(*) INTO v_expected FROM unnest(v_final, v_fresh) AS i (final, fresh) WHERE NOT i.fresh AND i.final = 1;
        IF v_done < v_expected THEN
            RAISE EXCEPTION 'publish: pointer_not_locked: % of % pointers set', v_done, v_expected USING ERRCODE = 'XX000';
        END IF;
    END IF;

    -- What the outcomes of a chunk share stands in the first of them. The input comes chunk by chunk: this sort finds it sorted.
    INSERT INTO attune.outcome (job_id, follows, born, chunk_id, finished_at, tenant_id, attempt, ending, tries, steps, rows, examples,
        stored_bytes, loss_before, loss_after, fetch_ms, adapt_ms, encode_ms, upload_ms, worker_id, claimed_at, revision_id,
        error_class, message)
    SELECT n.job_id, n.follows, CASE WHEN n.follows IS NULL THEN pg_current_xact_id() END,
        c.chunk_id, v_now, n.tenant_id, c.attempt, CASE n.final WHEN 3 THEN 1 ELSE n.final END, n.tries, n.steps, n.rows, n.examples, n.stored_bytes, n.loss_before,
        n.loss_after,
        CASE WHEN n.follows IS NULL THEN p_stage_ms[1] END, CASE WHEN n.follows IS NULL THEN p_stage_ms[2] END,
        CASE WHEN n.follows IS NULL THEN p_stage_ms[3] END, CASE WHEN n.follows IS NULL THEN p_stage_ms[4] END,
        c.worker_id, c.claimed_at, n.revision, CASE n.final WHEN 5 THEN 'user_erased' WHEN 6 THEN n.error_class END,
        CASE WHEN n.final IN (3, 6) THEN n.message END
    FROM (
        SELECT i.*, CASE WHEN i.job_id >> 10 = i.chunk_id
            THEN nullif(i.job_id - first_value(i.job_id) OVER (PARTITION BY i.chunk_id ORDER BY i.job_id), 0) END::smallint AS follows
        FROM unnest(p_jobs, v_tenants, v_chunks, v_final, v_tries, v_revisions, p_steps, p_rows, p_examples, p_stored_bytes,
                p_losses_before, p_losses_after, p_error_classes, p_messages)
            AS i (job_id, tenant_id, chunk_id, final, tries, revision, steps, rows, examples, stored_bytes, loss_before, loss_after,
                error_class, message)
        WHERE i.final IN (1, 2, 3, 5, 6)
    ) AS n
    LEFT JOIN attune.chunk c ON c.chunk_id = CASE WHEN n.follows IS NULL THEN n.chunk_id END;
    GET DIAGNOSTICS v_done = ROW_COUNT;

    SELECT count(*) FILTER (WHERE f = 1), count(*) FILTER (WHERE f = 2), count(*) FILTER (WHERE f = 10),
        count(*) FILTER (WHERE f = 6), count(*) FILTER (WHERE f = 5)
    INTO completed, kept, superseded, discarded, erased FROM unnest(v_final) AS f;
    IF completed > 0 THEN
        INSERT INTO attune.revision (revision_id, uid, parent_id, job_id, data_through, published_at, tenant_id, base_id, recipe_id, number)
        OVERRIDING SYSTEM VALUE
        SELECT i.revision, i.uid, i.parent, i.job_id, i.data_through, v_now, c.tenant_id, c.base_id, c.recipe_id, i.number
        FROM unnest(p_jobs, v_uids, v_chunks, v_final, v_revisions, v_numbers, p_parents, p_data_through)
            AS i (job_id, uid, chunk_id, final, revision, number, parent, data_through)
        JOIN attune.chunk c ON c.chunk_id = i.chunk_id
        WHERE i.final = 1;
        INSERT INTO attune.object_slot (revision_id, object_id, uid, tenant_id, "offset", length, sha256)
        SELECT i.revision, v_object, i.uid, c.tenant_id, i."offset", i.length, i.sha256
        FROM unnest(v_uids, v_chunks, v_final, v_revisions, p_offsets, p_lengths, p_sha256s)
            AS i (uid, chunk_id, final, revision, "offset", length, sha256)
        JOIN attune.chunk c ON c.chunk_id = i.chunk_id
        WHERE i.final = 1;
    END IF;

    IF v_object IS NOT NULL AND completed = 0 THEN
        -- Nothing names it: the collector finds it by its key, as it would after a crash.
        DELETE FROM attune.object o WHERE o.object_id = v_object
            AND NOT EXISTS (SELECT FROM attune.object_slot s WHERE s.object_id = o.object_id);
    END IF;
    IF v_done < v_live_jobs THEN
        retried := attune.requeue_rest(v_live, p_jobs, v_final, p_delays_ms, p_error_classes, p_messages);
    END IF;
    UPDATE attune.chunk c SET state = 4 WHERE c.chunk_id = ANY (v_live);
    completed := completed + (SELECT count(*) FROM unnest(v_final) AS f WHERE f = 3);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION attune.publish(bigint[], int[], uuid[], text, bytea, bigint, bigint[], bigint[], smallint[], int[], bigint[], bigint[], int[], int[], bytea[], int[], smallint[], smallint[], real[], real[], int[], int[], bigint[], text[], text[]) IS 'Ends a delivery in one transaction: outcomes, revisions, slots and pointers of each chunk whose fence (id, attempt, token) still holds, and a retry chunk for what did not end. stage_ms: milliseconds of fetch, adapt, encode, upload, the delivery''s; an array may be null where it holds nothing else. lost: chunks whose fence failed; already: chunks that this very claim had closed before.';
