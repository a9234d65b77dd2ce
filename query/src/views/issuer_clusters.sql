-- OIDC issuer → its cluster. An issuer is one cluster's for ever; where two are said to have it, none is taken.
SELECT oidc_issuer AS issuer, min(cluster) AS cluster
FROM clusters WHERE oidc_issuer IS NOT NULL
GROUP BY oidc_issuer
HAVING count(DISTINCT cluster) = 1
