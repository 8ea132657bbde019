-- What waits, runs and is put off.
SELECT tenant, flow, waiting, running, deferred, oldest, exact, as_of, clock_timestamp() AS now FROM attune.backlog ORDER BY tenant, flow
