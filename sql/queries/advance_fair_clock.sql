-- Moves virtual time to the smallest key that waits.
SELECT attune.advance_fair_clock()
