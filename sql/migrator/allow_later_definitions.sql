-- Functions may name functions and views that a later file creates; only for the running transaction.
SET LOCAL check_function_bodies = off
