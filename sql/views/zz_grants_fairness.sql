-- Who may set flows and limits; after the file that revokes everything first.
GRANT EXECUTE ON FUNCTION attune.set_flow(text, text, real), attune.set_limit(text, int, real, text), attune.pause(text, text, text),
    attune.resume(text, text) TO attune_operator;
GRANT EXECUTE ON FUNCTION attune.limit_rows() TO attune_reader, attune_producer, attune_operator, attune_worker;
GRANT EXECUTE ON FUNCTION attune.unpark(int), attune.set_grants(bigint, int[], bigint[], int[], real[], bigint[]) TO attune_worker;
GRANT SELECT ON attune.tenant_limit, attune.limits TO attune_reader, attune_producer;
