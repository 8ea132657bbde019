-- One step of running again what failed with an error class.
-- $1 error_class text
-- $2 since timestamp with time zone
-- $3 tenant text
-- $4 before bigint
-- $5 action bigint: what the step before returned
SELECT action_id, as_new, at_once, retried_before, next_before FROM attune.retry_many($1, $2, $3, $4, $5)
