-- Statements that stay as fast while an old transaction keeps dead rows, and one index entry less a claim.
DROP FUNCTION IF EXISTS attune.claim(bigint, int, real, int, bigint, bigint, xid8);

-- The chunks of one worker are looked for when its lease is over, and those of them whose deadline has passed at each tick.
DROP INDEX attune.chunk_leased;
DROP INDEX attune.chunk_deadline;
CREATE INDEX chunk_leased ON attune.chunk (worker_id, deadline) WHERE state = 1;
-- Each claim asks whether the worker holds one of these; hardly any chunk is ever one. Its condition names no state, so that
-- no other index can serve that question.
CREATE INDEX chunk_suspect ON attune.chunk (worker_id) WHERE crashes >= 2;

CREATE TABLE attune.wake_mark (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    woken_to timestamptz NOT NULL DEFAULT '-infinity',
    swept_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 20);
INSERT INTO attune.wake_mark DEFAULT VALUES;
COMMENT ON TABLE attune.wake_mark IS 'How far attune.wake has come. One row, a hint: without it, or after a minute, the next look begins at the start.';
COMMENT ON COLUMN attune.wake_mark.woken_to IS 'Everything that was due before this had been made ready, but for what was committed or released since.';
COMMENT ON COLUMN attune.wake_mark.swept_at IS 'When the last look began at the start.';
