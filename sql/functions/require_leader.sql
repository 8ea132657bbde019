CREATE OR REPLACE FUNCTION attune.require_leader(p_epoch bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The row lock holds a successor off until this transaction has written what it has to.
    PERFORM FROM attune.leader l WHERE l.epoch = p_epoch FOR SHARE;
    IF NOT FOUND THEN
        PERFORM attune.refuse('deposed', format('epoch %s', p_epoch), 'another scheduler leads', 'stand by');
    END IF;
END
$$;
COMMENT ON FUNCTION attune.require_leader(bigint) IS 'Refuses the transaction of a scheduler that no longer leads.';
