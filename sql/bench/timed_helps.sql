-- After how many seconds idle workers claim from lanes of others.
-- $1 seconds integer
UPDATE attune.setting SET help_seconds = $1
