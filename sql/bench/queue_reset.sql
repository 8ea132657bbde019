-- Empty queues.
SELECT bench.reset()
