       -- Why `attribution` says what it says: one fact, record and sentence after the other.
       evidence(
           CASE WHEN naming_event_id IS NULL THEN NULL WHEN access_path = 'pod_identity' AND grounds.confidence IN ('inferred', 'unknown') THEN 'untagged' ELSE 'names_identity' END, naming_event_id,
                CASE WHEN access_path = 'pod_identity' AND grounds.confidence IN ('inferred', 'unknown')
                THEN 'the record has no session tags that name the pod' ELSE 'the record itself names whom it issued credentials to, or refused them' END,
           CASE WHEN ground = 'named' AND named_fact IS NOT NULL THEN 'inventory' END, NULL, named_fact,
           CASE WHEN ground = 'named' AND session_event_id IS NOT NULL THEN 'issued_by' END, session_event_id, concat('credentials matched by ', matched_by, CASE WHEN proven THEN '' ELSE ', under another access key id' END),
           CASE WHEN ground = 'named' AND access_path = 'irsa' AND grounds.cluster LIKE '%.%' AND NOT is_eks_issuer(grounds.cluster) THEN 'not_eks' END, NULL,
               concat('the issuer ', grounds.cluster, ' is not of EKS''s form: Kubernetes, but not proven to be EKS'),
           CASE WHEN ground = 'named' AND parent_event_id IS NOT NULL THEN 'chained_from' END, parent_event_id, CASE WHEN hops = 0 THEN 'assumed for a pod with the node role'
                ELSE concat(CAST(hops AS VARCHAR), ' role(s) assumed since the workload''s own session') END,
           CASE WHEN ground = 'named' AND by_principal THEN 'principal' END, principal_event_id,
               'the record of the assumption is not in the store, but its copy in the account of the role, which names the caller by principal id: role and session name',
           CASE WHEN ground = 'named' AND gap IS NOT NULL THEN CASE gap WHEN 'several' THEN 'several_sessions' ELSE 'unissued' END END, NULL,
               concat(CASE gap WHEN 'several' THEN 'sessions of several identities fit the one that it was assumed with'
                      ELSE 'the record that issued the workload''s own session is not in the store' END, CASE WHEN grounds.service_account IS NULL THEN ', so the service account is not known' ELSE '' END),
           CASE WHEN copied_event_id IS NOT NULL THEN 'copy_of' END, copied_event_id, 'same shared_event_id: the same act, seen from the other account',
           CASE WHEN ground = 'fitting' THEN 'several_fit' END, fitting_event_id, concat('session ARN and creation date fit ', CAST(fitting AS VARCHAR), ' identities: ', grounds.candidates),
           CASE WHEN ground = 'node' THEN 'node_role' END, role_event_id,
               concat('known to be a node role: ',
                   CASE WHEN role_proof = 'assume_role_for_pod_identity' THEN 'its session asked EKS Pod Identity for credentials, as eks-pod-identity-agent does'
                        WHEN role_proof = 'vpc_cni' THEN 'the VPC CNI named itself in a call of its session'
                        WHEN role_proof = 'kubelet_authentication' THEN 'its session authenticated as a kubelet does, and as other software may'
                        WHEN role_proof = 'an instance launched with the cluster''s tags' THEN 'an instance that was launched with the cluster''s tags uses it'
                        WHEN role_proof LIKE 'node group %' OR role_proof LIKE 'node class %' THEN concat(role_proof, ' gives it to nodes')
                        WHEN role_proof LIKE 'access entry of type %' THEN concat('the cluster has an ', role_proof, ' for it')
                        WHEN role_proof LIKE 'CreateAccessEntry of type %' THEN concat(replace(role_proof, 'CreateAccessEntry', 'an access entry'), ' was created for it')
                        WHEN role_proof = 'CreateNodegroup' THEN 'a node group was created with it'
                        WHEN role_proof = 'node role of EKS Auto Mode' THEN 'EKS Auto Mode gives it to nodes'
                        ELSE role_proof END),
           CASE WHEN ground = 'node' AND is_hybrid THEN 'hybrid_node' END, NULL, CASE WHEN grounds.node LIKE 'mi-%' THEN 'a managed instance of Systems Manager: it has no instance metadata service' ELSE 'the access entry of its role makes each session the node of its name' END,
           CASE WHEN ground = 'node' AND grounds.cluster IS NOT NULL THEN 'node_cluster' END, node_cluster_event_id,
               CASE WHEN cluster_of_role THEN 'only other nodes of the role have shown a cluster' WHEN node_cluster_event_id IS NULL THEN 'its launch or the inventory of nodes names its cluster' ELSE 'the node itself named its cluster' END,
           CASE WHEN ground = 'node' AND rule_name IS NOT NULL THEN 'node_agent_rule' END, NULL,
               concat(rule_name, CASE WHEN rule_holds THEN '' ELSE ', but the node showed no boot or image pull at that time' END),
           CASE WHEN ground = 'node' AND rule_name IS NULL THEN 'no_rule' END, NULL, 'no node agent is known to make this call with this user agent',
           CASE WHEN ground = 'node' AND is_from_imds(user_agent) THEN 'imds_credentials' END, NULL,
               'the SDK says in the user agent that the instance metadata service gave it the credentials',
           CASE WHEN ground = 'cluster_role' THEN 'cluster_role' END, cluster_role_event_id,
               concat('a role that EKS uses for a cluster', CASE WHEN cluster_role_event_id IS NULL THEN concat(', as the inventory of ', grounds.cluster, ' shows') ELSE '' END, '; call invoked by EKS'),
           CASE WHEN ground IN ('service_linked', 'service') THEN ground END, NULL, 'identity of the EKS service itself',
           CASE WHEN ground = 'pod_role' THEN 'pod_identity_role' END, pod_role_event_id, concat('a role of EKS Pod Identity and a session name of its form; the record that issued the session is not in the store', CASE WHEN bound THEN '' ELSE ', so the service account is not known' END),
           CASE WHEN ground = 'provider' THEN 'oidc_provider' END, NULL, concat('the session came from ', provider_cluster, '; the record that issued it is not in the store', CASE WHEN bound THEN '' ELSE ', so the service account is not known' END),
           CASE WHEN bound THEN 'sole_binding' END, NULL, concat('only one service account may hold the role: ', sole_proof),
           CASE WHEN ground = 'fargate' OR (ground = 'named' AND access_path = 'fargate_execution_role' AND fargate_proof IS NOT NULL) THEN 'fargate_role' END, fargate_event_id,
               concat('known to be a pod execution role: ',
                   CASE WHEN fargate_proof LIKE 'Fargate profile %' THEN concat(fargate_proof, ' names it')
                        WHEN fargate_proof LIKE 'access entry of type %' THEN concat('the cluster has an ', fargate_proof, ' for it')
                        WHEN fargate_proof = 'CreateFargateProfile' THEN 'a Fargate profile was created with it'
                        ELSE fargate_proof END),
           CASE WHEN told.activity_id IS NOT NULL AND ground IN ('node', 'named') THEN told.fact END, NULL, told.detail
       ) AS evidence
