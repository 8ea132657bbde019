-- Statements that stay as fast while an old transaction keeps dead rows, and one index entry less a claim.
DROP FUNCTION IF EXISTS attune.claim(bigint, int, real, int, bigint, bigint, xid8);
DROP FUNCTION IF EXISTS attune.publish(bigint[], int[], uuid[], text, bytea, bigint, bigint[], bigint[], smallint[], int[], bigint[], bigint[], int[],
    int[], bytea[], int[], smallint[], smallint[], real[], real[], int[], int[], int[], int[], int[], bigint[], text[], text[]);

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

-- What the outcomes of one chunk share that one transaction wrote stands in the first of them alone, and so does the entry of
-- the index that attune.outcomes_since reads: that is a third of what a job writes when it ends. Whose job it was says the job.
ALTER TABLE attune.outcome
    ADD follows smallint CHECK (follows > 0),
    ALTER born DROP NOT NULL,
    ALTER chunk_id DROP NOT NULL,
    ALTER attempt DROP NOT NULL,
    DROP uid,
    ADD CHECK ((follows IS NULL) = (born IS NOT NULL AND chunk_id IS NOT NULL AND attempt IS NOT NULL));
DROP INDEX attune.outcome_feed;
CREATE INDEX outcome_feed ON attune.outcome (tenant_id, born, job_id) WHERE follows IS NULL;
COMMENT ON COLUMN attune.outcome.follows IS 'Null: the first outcome of its chunk that its transaction wrote, or the only one. Else how many ids before this job the first one lies, whose row has what they share: born, chunk_id, attempt, worker_id, claimed_at and the milliseconds of stages, which are the delivery''s. Those are null here.';
COMMENT ON COLUMN attune.outcome.chunk_id IS 'The chunk that it ended in: its own, or one that went on with it.';

-- A bulk draws its fair tags by the hundred: a thousand draws were a thirtieth of its time, and a record of the log for each 32.
DO $$
DECLARE
    made_flow int;
BEGIN
    FOR made_flow IN SELECT f.flow_id FROM attune.flow f LOOP
        EXECUTE format('CREATE SEQUENCE attune.flow_%s_hundreds_seq INCREMENT 100 START 100', made_flow);
    END LOOP;
END
$$;
COMMENT ON TABLE attune.flow IS 'A stream of one tenant that is served by weight. Its sequences attune.flow_<id>_seq and attune.flow_<id>_hundreds_seq together count jobs: a fair tag needs no hot row.';
