-- Programs, by user agent, that service accounts have run with credentials of their own.
SELECT DISTINCT cluster, namespace, service_account, user_agent_program(user_agent) AS program
FROM (SELECT DISTINCT cluster, namespace, service_account, user_agent
      FROM held_grounds
      WHERE actor = 'workload' AND access_path IN ('irsa', 'pod_identity') AND service_account IS NOT NULL AND user_agent IS NOT NULL)
