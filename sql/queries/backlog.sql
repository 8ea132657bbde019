-- What waits, runs and is put off.
SELECT tenant, flow, waiting, running, deferred, oldest, exact, clock_timestamp() AS now FROM attune.backlog ORDER BY tenant, flow
