SELECT c.chunk_id, c.state = 4, c.attempt, c.worker_id, c.token IS NOT NULL FROM attune.chunk c
