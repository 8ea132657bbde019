-- Makes the temporary table that items are copied into.
SELECT attune.catalogue_begin()
