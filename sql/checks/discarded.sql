-- Jobs that were given up within the hour, by tenant and class, of the 10,000 newest of them.
SELECT t.name || ' ' || d.class AS subject, d.jobs::double precision AS measured,
    format('%s: %s jobs discarded within the hour, all %s', t.name, d.jobs, d.class) AS what,
    'they do not run again by themselves' AS if_left,
    format('attune jobs --tenant %s --error-class %s', t.name, d.class) AS helps
FROM (
    SELECT o.tenant_id, coalesce(o.error_class, 'unnamed') AS class, count(*) AS jobs
    FROM (
        SELECT f.tenant_id, f.error_class, f.finished_at FROM attune.outcome f WHERE f.ending = 6 ORDER BY f.job_id DESC LIMIT 10000
    ) AS o
    WHERE o.finished_at > clock_timestamp() - interval '1 hour'
    GROUP BY 1, 2
) AS d
JOIN attune.tenant t ON t.tenant_id = d.tenant_id
ORDER BY d.jobs DESC LIMIT 5
