-- Who may do what with campaigns; after the file that revokes everything first.
GRANT SELECT ON attune.campaign_wave, attune.campaign_judgement, attune.campaign_waves TO attune_reader, attune_producer;
GRANT SELECT ON attune.campaigns TO attune_reader, attune_producer;
GRANT EXECUTE ON FUNCTION attune.readapt(text, text, text, int, real, int, real, real, boolean, interval, text),
    attune.promote(text, text, bigint, boolean), attune.rollback_base(text, bigint, boolean), attune.pause_campaign(int, text),
    attune.resume_campaign(int, boolean), attune.cancel_campaign(int), attune.limit_campaign(int, real)
    TO attune_producer, attune_operator;
GRANT EXECUTE ON FUNCTION attune.feed_campaign(bigint, int, bigint, int), attune.begin_wave(bigint, int, int, int, bigint, real),
    attune.judge_wave(bigint, int, int, int, text, int, double precision, double precision, double precision, text),
    attune.turn_campaign(bigint, int, int, text, text, text), attune.note_campaign(bigint, int, bigint, real),
    attune.promote_ready(bigint, int),
    attune.add_judgements(int, bigint[], int[], int[], int[], text[], int[], double precision[], double precision[]),
    attune.set_worker_bases(bigint, text[]), attune.pass_on(bigint[], int[], uuid[], text, text) TO attune_worker;
