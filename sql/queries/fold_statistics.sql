-- Sums workers' reports into minutes and hours, unless that was done in the last two seconds.
SELECT attune.fold_statistics(5000, interval '2 seconds')
