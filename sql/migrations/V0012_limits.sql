-- Fairness and limits: what a flow's tags are made of beside its sequence, and how much of a tenant may run.

-- Its new argument would make it another function beside this one.
DROP FUNCTION IF EXISTS attune.enqueue(text, text, text, text, bytea, text, timestamptz, real, text);

ALTER TABLE attune.setting
    ADD COLUMN priority_bonus int[] NOT NULL DEFAULT '{0,100,1000,10000}'
        CHECK (cardinality(priority_bonus) BETWEEN 1 AND 16 AND 0 <= ALL (priority_bonus)),
    ADD COLUMN priority_cap bigint NOT NULL DEFAULT 1000000 CHECK (priority_cap >= 0);
COMMENT ON COLUMN attune.setting.priority_bonus IS 'By priority from 0: how many jobs of its own flow a job goes ahead of. A bounded bonus is ageing: whoever waits long enough is overtaken no more.';
COMMENT ON COLUMN attune.setting.priority_cap IS 'No bonus moves a tag by more than this, in units of virtual time (1000 / weight a job).';

ALTER TABLE attune.fair_clock ADD COLUMN settled_at timestamptz NOT NULL DEFAULT 'epoch';
COMMENT ON COLUMN attune.fair_clock.settled_at IS 'When virtual time was last set to the largest tag given out, because nothing waited.';

ALTER TABLE attune.flow ADD COLUMN lag bigint NOT NULL DEFAULT 0 CHECK (lag >= 0);
COMMENT ON COLUMN attune.flow.lag IS 'How far the tenant''s parked work is behind virtual time: new tags start there, so that a job of this flow does not queue behind all that is parked.';

CREATE TABLE attune.flow_late (
    flow_id int PRIMARY KEY REFERENCES attune.flow ON DELETE CASCADE,
    late_tag bigint NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE attune.flow_late IS 'Tags of what comes back (retries, unparked chunks) after virtual time has passed its old ones: a second stream of the flow at the same weight, so that a thousand of them do not all start at once.';
COMMENT ON COLUMN attune.flow_late.late_tag IS 'Where the next one starts, unless virtual time has got further.';

CREATE TABLE attune.flow_refund (
    refund_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    flow_id int NOT NULL,
    jobs int NOT NULL CHECK (jobs > 0)
);
COMMENT ON TABLE attune.flow_refund IS 'Jobs cancelled before they were claimed, until the next tick takes their tags back from their flow. Insert-only: a cancel writes no shared row.';
