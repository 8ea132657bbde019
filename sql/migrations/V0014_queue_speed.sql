-- Statements that stay as fast while an old transaction keeps dead rows, and one index entry less a claim.
DROP FUNCTION IF EXISTS attune.claim(bigint, int, real, int, bigint, bigint, xid8);

-- The chunks of one worker are looked for when its lease is over, and those of them whose deadline has passed at each tick.
DROP INDEX attune.chunk_leased;
DROP INDEX attune.chunk_deadline;
CREATE INDEX chunk_leased ON attune.chunk (worker_id, deadline) WHERE state = 1;
-- Each claim asks whether the worker holds one of these; hardly any chunk is ever one. Its condition names no state, so that
-- no other index can serve that question.
CREATE INDEX chunk_suspect ON attune.chunk (worker_id) WHERE crashes >= 2;
