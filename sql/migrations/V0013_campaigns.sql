-- Campaigns as DESIGN section 7 and QUEUE rules 22 and 23 have them: canary, waves that are judged, sweeps, promotion,
-- the rollback window. The definitions whose shape changes go first; sql/functions and sql/views make them anew.
DROP VIEW IF EXISTS attune.campaigns;
DROP FUNCTION IF EXISTS attune.readapt(text, text, text);
DROP FUNCTION IF EXISTS attune.feed_campaign(bigint, int, bigint, int);
DROP FUNCTION IF EXISTS attune.promote(text, text);

DROP INDEX attune.campaign_open;
ALTER TABLE attune.campaign
    DROP CONSTRAINT campaign_state_check,
    ADD CONSTRAINT campaign_state_check CHECK (state IN ('running', 'paused', 'promoted', 'completed', 'cancelled', 'rolled_back')),
    ALTER COLUMN cursor_uid SET DEFAULT -1,
    ADD purpose text NOT NULL DEFAULT 'adopt' CHECK (purpose IN ('adopt', 'keep')),
    ADD parent_id int REFERENCES attune.campaign ON DELETE CASCADE,
    ADD phase text NOT NULL DEFAULT 'canary' CHECK (phase IN ('canary', 'waves', 'sweep', 'ready')),
    ADD round smallint NOT NULL DEFAULT 1,
    ADD wave smallint NOT NULL DEFAULT -1,
    ADD recipe_id int REFERENCES attune.recipe,
    ADD from_base_id int REFERENCES attune.base,
    ADD from_recipe_id int REFERENCES attune.recipe,
    ADD canary_users int NOT NULL DEFAULT 500 CHECK (canary_users BETWEEN 1 AND 10000),
    ADD wave_growth real NOT NULL DEFAULT 4 CHECK (wave_growth BETWEEN 1 AND 1000),
    ADD judged_users int NOT NULL DEFAULT 500 CHECK (judged_users BETWEEN 0 AND 100000),
    ADD margin real NOT NULL DEFAULT 0.02 CHECK (margin > 0 AND margin <= 10),
    ADD error_rate real NOT NULL DEFAULT 0.05 CHECK (error_rate BETWEEN 0.0001 AND 0.5),
    ADD rate_limit real CHECK (rate_limit > 0),
    ADD promotes_itself boolean NOT NULL DEFAULT false,
    ADD rollback_window interval NOT NULL DEFAULT '24 hours' CHECK (rollback_window >= '0'),
    ADD warm_start text NOT NULL DEFAULT 'recipe' CHECK (warm_start IN ('recipe', 'delta')),
    ADD first_job bigint NOT NULL DEFAULT 0,
    ADD users bigint,
    ADD ahead bigint NOT NULL DEFAULT 0,
    ADD rate real,
    ADD noted_at timestamptz,
    ADD pass int NOT NULL DEFAULT 0,
    ADD pass_found bigint NOT NULL DEFAULT 0,
    ADD left_over bigint,
    ADD pass_ended_at timestamptz,
    ADD ready_at timestamptz,
    ADD promoted_at timestamptz,
    ADD window_ends_at timestamptz;
ALTER TABLE attune.campaign SET (fillfactor = 50);
CREATE UNIQUE INDEX campaign_open ON attune.campaign (tenant_id, base_id) WHERE state IN ('running', 'paused');
COMMENT ON COLUMN attune.campaign.state IS 'running, paused; promoted (its base serves, the way back is open); completed, cancelled, rolled_back.';
COMMENT ON COLUMN attune.campaign.purpose IS 'adopt: bring everyone to a base. keep: while the way back is open, adapt who changed under the base before, too.';
COMMENT ON COLUMN attune.campaign.parent_id IS 'Of a campaign that keeps: the one whose promotion it lets be undone.';
COMMENT ON COLUMN attune.campaign.phase IS 'canary, waves, sweep (users that changed or were missed), ready (few of them remain: it may be promoted).';
COMMENT ON COLUMN attune.campaign.cursor_uid IS 'Users up to this uid have been fed in this phase; -1: the canary has not been.';
COMMENT ON COLUMN attune.campaign.round IS 'Rises when it starts over under another recipe; judgements of earlier rounds count no more.';
COMMENT ON COLUMN attune.campaign.wave IS 'The wave being fed; 0 is the canary.';
COMMENT ON COLUMN attune.campaign.recipe_id IS 'The recipe active under its base when the round began; when another one is, it pauses.';
COMMENT ON COLUMN attune.campaign.from_base_id IS 'The base that served when it began: what users had, to judge against and to go back to.';
COMMENT ON COLUMN attune.campaign.from_recipe_id IS 'The recipe that was active under that base.';
COMMENT ON COLUMN attune.campaign.judged_users IS 'Users of each wave, about, that are judged on held-out tails; 0: nothing is judged.';
COMMENT ON COLUMN attune.campaign.margin IS 'Nats an example by which the new base may be worse on held-out tails.';
COMMENT ON COLUMN attune.campaign.error_rate IS 'Chance, over all looks together, that a judgement is wrong.';
COMMENT ON COLUMN attune.campaign.rate_limit IS 'Users a second at most; null: as fast as the workers are.';
COMMENT ON COLUMN attune.campaign.promotes_itself IS 'Whether it is promoted as soon as it is ready, without asking.';
COMMENT ON COLUMN attune.campaign.warm_start IS 'What users are adapted from: recipe (its start), or delta (a copy of the difference they have under the base before).';
COMMENT ON COLUMN attune.campaign.first_job IS 'No job of it has a smaller id.';
COMMENT ON COLUMN attune.campaign.users IS 'Users of the tenant when it began.';
COMMENT ON COLUMN attune.campaign.ahead IS 'Jobs fed that had not ended, at noted_at.';
COMMENT ON COLUMN attune.campaign.rate IS 'Jobs of it that ended in a second, smoothed, at noted_at.';
COMMENT ON COLUMN attune.campaign.pass IS 'Sweeps over all users that have ended.';
COMMENT ON COLUMN attune.campaign.pass_found IS 'Users that the sweep under way has found so far.';
COMMENT ON COLUMN attune.campaign.left_over IS 'Users that the last whole sweep found without a revision under the base, or with newer data.';

CREATE TABLE attune.campaign_wave (
    campaign_id int NOT NULL REFERENCES attune.campaign ON DELETE CASCADE,
    round smallint NOT NULL,
    wave smallint NOT NULL,
    tenant_id int NOT NULL,
    planned_users bigint NOT NULL CHECK (planned_users > 0),
    judged_share real NOT NULL CHECK (judged_share BETWEEN 0 AND 1),
    fed bigint NOT NULL DEFAULT 0,
    verdict text NOT NULL DEFAULT 'watching' CHECK (verdict IN ('watching', 'passed', 'failed', 'undecided', 'accepted', 'unjudged')),
    looks int NOT NULL DEFAULT 0,
    judged int NOT NULL DEFAULT 0,
    difference double precision,
    lower_bound double precision,
    upper_bound double precision,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at timestamptz,
    PRIMARY KEY (campaign_id, round, wave)
) WITH (fillfactor = 50);
COMMENT ON TABLE attune.campaign_wave IS 'A step of a campaign that is judged. Wave 0 is the canary.';
COMMENT ON COLUMN attune.campaign_wave.judged_share IS 'Share of its users that are judged.';
COMMENT ON COLUMN attune.campaign_wave.verdict IS 'watching; passed; failed and undecided pause the campaign; accepted by a person in spite of that; unjudged: too few users to judge, or nothing is judged.';
COMMENT ON COLUMN attune.campaign_wave.difference IS 'Mean held-out log loss of the new base less that of the old, in nats an example: negative is better.';
COMMENT ON COLUMN attune.campaign_wave.lower_bound IS 'Of an always-valid confidence sequence: looking again and again costs nothing.';
COMMENT ON COLUMN attune.campaign_wave.judged IS 'Users that the difference is over, at the last look.';

CREATE TABLE attune.campaign_judgement (
    campaign_id int NOT NULL REFERENCES attune.campaign ON DELETE CASCADE,
    round smallint NOT NULL,
    wave smallint NOT NULL,
    uid bigint NOT NULL,
    tenant_id int NOT NULL,
    method text NOT NULL CHECK (method IN ('tail', 'guard')),
    examples int NOT NULL CHECK (examples > 0),
    loss_before double precision NOT NULL,
    loss_after double precision NOT NULL,
    judged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (campaign_id, round, wave, uid)
);
CREATE INDEX campaign_judgement_user ON attune.campaign_judgement (uid);
COMMENT ON TABLE attune.campaign_judgement IS 'One judged user of a campaign: held-out loss under what the user had, and under the new base and recipe.';
COMMENT ON COLUMN attune.campaign_judgement.method IS 'tail: both recipes adapted without the newest examples and were scored on them. guard: the worker did not hold the old base; leave-one-out losses, the old one as it was recorded.';
COMMENT ON COLUMN attune.campaign_judgement.examples IS 'Examples that were scored.';
COMMENT ON COLUMN attune.campaign_judgement.loss_before IS 'Mean log loss, nats an example, under what the user had.';
COMMENT ON COLUMN attune.campaign_judgement.loss_after IS 'The same under the new base and recipe.';

CREATE TABLE attune.worker_base (
    worker_id bigint NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (worker_id, digest)
);
CREATE INDEX worker_base_digest ON attune.worker_base (digest, worker_id);
COMMENT ON TABLE attune.worker_base IS 'The bases that a worker holds; chunks of another base are passed on to a worker that has it.';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['campaign_wave', 'campaign_judgement'] LOOP
        EXECUTE format('ALTER TABLE attune.%s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY everything ON attune.%s TO attune_worker, attune_operator USING (true)', t);
        EXECUTE format('CREATE POLICY own_tenant ON attune.%s FOR SELECT '
            'USING (tenant_id = ANY ((SELECT attune.tenants_of(current_user))::int[]))', t);
    END LOOP;
END
$$;
