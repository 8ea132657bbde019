-- How many lanes new chunks are spread over, and how many there are to be for each worker.
SELECT s.lane_count, s.lanes_per_worker FROM attune.setting s
