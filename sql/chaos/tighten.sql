-- Settings under which a run meets in minutes what takes a site months.
-- $1 lease_seconds integer
-- $2 chunk_jobs integer
UPDATE attune.setting SET lease_seconds = $1, chunk_jobs = $2
