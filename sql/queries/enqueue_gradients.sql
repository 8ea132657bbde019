-- Asks for gradients of a meta-training.
-- $1 run bigint
-- $2 payloads bytea[]
-- $3 cost_ms real
SELECT attune.enqueue_gradients($1, $2, $3)
