-- What is left to do: chunks that wait or are parked, are leased, or are deferred.
SELECT count(*) FILTER (WHERE c.state IN (0, 3)), count(*) FILTER (WHERE c.state = 1), count(*) FILTER (WHERE c.state = 2)
FROM attune.chunk c WHERE c.state <> 4
