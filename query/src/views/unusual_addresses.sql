-- Addresses of pods that do not look like it: of a VPC with public address ranges of IPv4.
SELECT DISTINCT address AS pod_ip
FROM (SELECT pod_ip AS address FROM pod_addresses)
WHERE NOT {usual_address}
