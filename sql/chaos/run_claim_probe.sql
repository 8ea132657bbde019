SELECT p.waiting, p.ended, p.chunks, p.jobs, p.endings, p.followers, p.pages FROM pg_temp.claim_probe() AS p
