-- pgbench: a thousand rows a statement, from data that the client sends.
\set lane random(0, 63)
INSERT INTO bench.job (lane, sort_key, user_id, payload)
SELECT :lane, n, u, decode(p, 'hex') FROM unnest('{@users@}'::text[], '{@payloads@}'::text[]) WITH ORDINALITY AS i (u, p, n);
