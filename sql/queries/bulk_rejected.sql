-- The rows that a bulk left out in this transaction, and why.
SELECT line, error_class FROM attune.bulk_rejected()
