CREATE OR REPLACE FUNCTION attune.add_judgements(
    p_campaign int, p_uids bigint[], p_epochs int[], p_rounds int[], p_waves int[], p_methods text[], p_examples int[],
    p_losses_before double precision[], p_losses_after double precision[]
) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_count int;
BEGIN
    -- Where the worker gave no loss before, it is the one recorded when the user's present revision was made.
    INSERT INTO attune.campaign_judgement (campaign_id, round, wave, uid, tenant_id, method, examples, loss_before, loss_after)
    SELECT c.campaign_id, i.round, i.wave, i.uid, c.tenant_id, i.method, i.examples,
        coalesce(i.before, (
            SELECT o.loss_after FROM attune.pointer p JOIN attune.revision r ON r.revision_id = p.revision_id
            JOIN attune.outcome o ON o.job_id = r.job_id
            WHERE p.uid = i.uid AND p.base_id = c.from_base_id)), i.after
    FROM unnest(p_uids, p_epochs, p_rounds, p_waves, p_methods, p_examples, p_losses_before, p_losses_after)
        AS i (uid, epoch, round, wave, method, examples, before, after)
    JOIN attune.campaign c ON c.campaign_id = p_campaign
    JOIN attune."user" u ON u.uid = i.uid AND u.tenant_id = c.tenant_id AND u.epoch = i.epoch AND u.erased_at IS NULL
    WHERE coalesce(i.before, (
            SELECT o.loss_after FROM attune.pointer p JOIN attune.revision r ON r.revision_id = p.revision_id
            JOIN attune.outcome o ON o.job_id = r.job_id
            WHERE p.uid = i.uid AND p.base_id = c.from_base_id)) IS NOT NULL AND i.after IS NOT NULL
    ORDER BY i.uid
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION attune.add_judgements(int, bigint[], int[], int[], int[], text[], int[], double precision[], double precision[]) IS 'Adds judged users of a campaign, each once a wave; returns how many were new. A null loss before is taken from the user''s present revision; without one there is nothing to compare with, and no row.';
