-- Who may call what keeps the load even; after the file that revokes everything first.
DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'heartbeat(bigint, bigint, int, real, double precision, double precision, int[], text[], double precision[], double precision[])',
        'sample_lanes(bigint, int[], bigint[], bigint[], int)', 'learn_costs(int)', 'prune_samples(bigint, int)', 'raise_lanes(bigint, int)', 'lanes_to_help(bigint, int)',
        'set_worker_target(bigint, int, int, double precision, double precision, double precision, int, double precision)'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION attune.%s TO attune_worker', signature);
    END LOOP;
    GRANT EXECUTE ON FUNCTION attune.set_worker(text, text) TO attune_operator;
END
$$;
