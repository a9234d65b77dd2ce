-- Instances with an eks-pod-identity-agent: it has asked for credentials there, or its pod was seen there. It
-- asks only where a pod asks it.
SELECT DISTINCT session_name AS node
FROM daily_signs
WHERE sign = 'assume_role_for_pod_identity'
UNION
SELECT instance_id FROM pods WHERE images LIKE '%eks-pod-identity-agent%' AND instance_id IS NOT NULL
