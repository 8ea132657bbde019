-- Who may call what keeps the load even; after the file that revokes everything first.
DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'heartbeat(bigint, bigint, int, real, double precision, double precision, int[], text[], double precision[], double precision[])',
        'sample_lanes(bigint, int[], bigint[], bigint[], int)', 'learn_costs(int)', 'lanes_to_help(bigint, int)'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION attune.%s TO attune_worker', signature);
    END LOOP;
END
$$;
