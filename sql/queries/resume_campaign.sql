-- $1 campaign integer
-- $2 accept boolean: a judgement that went against it
SELECT attune.resume_campaign($1, $2)
