-- pgbench: a thousand rows a statement, from data that the client sends, with a way to the jobs of a user; names looked up.
\set lane random(0, 63)
INSERT INTO bench.user_job (lane, sort_key, uid, payload)
SELECT :lane, n, u.uid, decode(p, 'hex') FROM unnest('{@users@}'::text[], '{@payloads@}'::text[]) WITH ORDINALITY AS i (name, p, n)
JOIN attune."user" u ON u.tenant_id = :client_id + 1 AND u.user_id = i.name;
