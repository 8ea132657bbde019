-- Workers by state; stopped ones are left out.
SELECT w.state, count(*) AS workers FROM attune.workers w WHERE w.state <> 'stopped' GROUP BY w.state ORDER BY w.state
