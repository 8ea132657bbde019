-- Answers whether the database takes statements, and what time it is there.
SELECT clock_timestamp()
