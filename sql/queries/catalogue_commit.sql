-- Puts the copied items into a catalogue.
-- $1 tenant text
-- $2 catalogue text
SELECT added, changed, unchanged FROM attune.catalogue_commit($1, $2)
