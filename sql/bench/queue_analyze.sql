-- Statistics of what was seeded.
ANALYZE attune.chunk, attune.job
