-- Instances with an eks-pod-identity-agent: it has asked for credentials there, or its pod was seen there. It
-- asks only where a pod asks it.
SELECT DISTINCT session_name AS node
FROM activities
WHERE event_source = 'eks-auth.amazonaws.com' AND is_instance_id(session_name)
UNION
SELECT instance_id FROM pods WHERE images LIKE '%eks-pod-identity-agent%' AND instance_id IS NOT NULL
