-- No check takes longer than this, in milliseconds, nor waits for a lock; for the running transaction.
-- $1 milliseconds text
SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', '200', true)
