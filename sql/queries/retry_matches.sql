-- What a retry of an error class would act on, by tenant, and the cursor that it would begin with.
-- $1 error_class text
-- $2 since timestamp with time zone
-- $3 tenant text
SELECT job_tenant AS tenant, discarded, waiting, is_cut, before FROM attune.retry_matches($1, $2, $3) ORDER BY job_tenant
