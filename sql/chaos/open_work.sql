-- What is left to do: chunks that wait, are leased or are deferred, and campaigns that may still bring more.
SELECT count(*) FILTER (WHERE c.state IN (0, 3)), count(*) FILTER (WHERE c.state = 1), count(*) FILTER (WHERE c.state = 2),
    (SELECT count(*) FROM attune.campaign g WHERE g.state = 'running')
FROM attune.chunk c WHERE c.state <> 4
