-- How many workers are wanted, and why.
SELECT desired, needed, live, backlog_ms, arrival, speed_each, decided_at, is_fresh, because FROM attune.desired_workers
