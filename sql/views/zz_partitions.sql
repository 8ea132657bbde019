-- The first partitions, and those that the next ids need; here because every function is there by now.
SELECT attune.add_partitions();
