-- What became of jobs in the last hour and how many a second lately.
SELECT tenant, flow, state, sum(last_hour)::bigint AS last_hour, sum(per_second)::double precision AS per_second
FROM attune.recent_outcomes GROUP BY tenant, flow, state ORDER BY tenant, flow, state
