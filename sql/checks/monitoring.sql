-- Whether this role may see what other sessions do.
SELECT '' AS subject, 1::double precision AS measured, format('role %s cannot see other sessions'' queries and times', current_user) AS what,
    'who pins xmin or sits idle in a transaction is not named' AS if_left, format('GRANT pg_monitor TO %I;', current_user) AS helps
WHERE NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
