-- Lanes of the current layout.
SELECT s.lane_layout * 65536 + n FROM attune.setting s, generate_series(0, s.lane_count - 1) AS n
