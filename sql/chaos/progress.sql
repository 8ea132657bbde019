-- How many jobs there are and how many have ended.
SELECT (SELECT count(*) FROM attune.job), (SELECT count(*) FROM attune.outcome)
