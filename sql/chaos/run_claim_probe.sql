SELECT p.waiting, p.ended, p.jobs, p.pages FROM pg_temp.claim_probe() AS p
