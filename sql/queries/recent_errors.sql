-- Why jobs were discarded in the last hour, most first.
SELECT error_class, sum(discarded)::bigint AS discarded FROM attune.recent_errors GROUP BY error_class ORDER BY 2 DESC, 1
