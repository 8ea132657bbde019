-- Puts what was copied into a catalogue.
-- $1 tenant text
-- $2 catalogue text
-- $3 replace boolean
SELECT items, added, differing FROM attune.catalogue_commit($1, $2, $3)
