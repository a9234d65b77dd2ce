-- Time of trails as their digests were last found to prove it: valid, where all log files that were delivered are known, there
-- and unaltered, else gap. Time that is not here was not verified, or is too new for a digest.
SELECT account_id, region, trail, home_region, status, from_time, to_time, observed_at, object AS digests
FROM (SELECT *, max(observed_at) OVER (PARTITION BY object, trail, home_region) AS newest
      FROM digest_findings WHERE subject = 'time')
WHERE observed_at = newest
