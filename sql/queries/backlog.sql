-- What waits, runs and is put off.
SELECT tenant, flow, waiting, running, deferred, parked, oldest, exact, as_of, growth_per_second, clock_timestamp() AS now FROM attune.backlog ORDER BY tenant, flow
