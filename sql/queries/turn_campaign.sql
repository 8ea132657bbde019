-- $1 epoch bigint
-- $2 campaign integer
-- $3 round integer
-- $4 from text: the phase it is in, or promoted
-- $5 to text: sweep, ready, paused or completed
-- $6 reason text
SELECT attune.turn_campaign($1, $2, $3, $4, $5, $6)
