-- Records that tell of something of a cluster, with the name that they give the cluster.
SELECT telling_records.*,
       coalesce(json_text(inventory_facts, 'response', 'association', 'clusterName'), json_text(inventory_facts, 'request', 'name'),
                json_text(inventory_facts, 'request', 'clusterName')) AS cluster_name
FROM telling_records
WHERE event_name IN ('CreateCluster', 'CreateNodegroup', 'CreateAccessEntry', 'CreateFargateProfile',
                     'CreatePodIdentityAssociation', 'UpdatePodIdentityAssociation')
