-- How many checks found something.
SELECT count(*) FROM attune.health WHERE status <> 'ok'
