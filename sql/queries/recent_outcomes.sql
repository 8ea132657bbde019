-- How jobs ended in the last hour.
SELECT tenant, state, error_class, last_hour, last_minute FROM attune.recent_outcomes ORDER BY tenant, state, error_class
