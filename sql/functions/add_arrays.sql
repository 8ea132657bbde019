CREATE OR REPLACE FUNCTION attune.add_arrays(a bigint[], b bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN a IS NULL THEN b WHEN b IS NULL THEN a
        ELSE (SELECT array_agg(coalesce(x.a, 0) + coalesce(x.b, 0) ORDER BY x.n) FROM unnest(a, b) WITH ORDINALITY AS x (a, b, n)) END
$$;
COMMENT ON FUNCTION attune.add_arrays(bigint[], bigint[]) IS 'Element by element; null adds nothing.';

CREATE OR REPLACE AGGREGATE attune.sum_arrays(bigint[]) (
    sfunc = attune.add_arrays, stype = bigint[], combinefunc = attune.add_arrays, parallel = safe
);
COMMENT ON AGGREGATE attune.sum_arrays(bigint[]) IS 'Sum of arrays, element by element; null when all are.';
