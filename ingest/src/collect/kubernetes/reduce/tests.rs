use super::super::{AUTO_CLASSES, KARPENTER_CLASSES, NODES, PODS, SERVICE_ACCOUNTS};
use super::*;
use crate::collect::Document;
use crate::collect::testing::{AT, observations};

const SECRET: &str = "s3cr3t-Value-4711";

/// A pod with everything that is read, and much that is not.
fn full_pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-7d9c-x", "namespace": "shop", "uid": "u-1", "resourceVersion": "7",
            "creationTimestamp": "2025-06-01T10:00:00Z", "deletionTimestamp": "2025-06-02T10:00:00Z",
            "annotations": {"eks.amazonaws.com/skip-containers": "proxy, log", "iam.amazonaws.com/role": "old",
                "kubectl.kubernetes.io/last-applied-configuration": SECRET},
            "labels": {"app": "web", "pod-template-hash": "7d9c", "note": SECRET},
            "managedFields": [{"manager": SECRET}],
            "ownerReferences": [{"kind": "X", "name": "x"},
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d9c", "uid": "r", "controller": true}]},
        "spec": {"serviceAccountName": "web", "serviceAccount": "web", "nodeName": "n1", "hostNetwork": true,
            "volumes": [{"name": SECRET}],
            "containers": [
                {"name": "main", "image": "app:1", "args": ["--password", SECRET], "command": [SECRET], "env": [
                    {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::111122223333:role/web"},
                    {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/token"},
                    {"name": "AWS_REGION", "value": "eu-west-1"},
                    {"name": "AWS_SECRET_ACCESS_KEY", "value": SECRET},
                    {"name": "DB_PASSWORD", "value": SECRET},
                    {"name": "AWS_SESSION_TOKEN", "valueFrom": {"secretKeyRef": {"name": SECRET}}}]},
                {"name": "proxy", "image": "proxy:2", "env": [
                    {"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"}]}],
            "initContainers": [{"name": "init", "image": "app:1"}]},
        "status": {"phase": "Running", "podIP": "10.0.0.5", "podIPs": [{"ip": "10.0.0.5"}, {"ip": "fd00::5"}],
            "startTime": "2025-06-01T10:00:01Z", "conditions": [{"message": SECRET}]}})
}

/// What the import makes of an object.
fn seen(object: &Value) -> Vec<crate::inventory::Observation> {
    let cluster = Some("arn:aws:eks:eu-west-1:111122223333:cluster/prod".to_owned());
    let seen = observations(&Document::object(cluster, AT, "test", object));
    assert_eq!(seen.len(), 1, "{object}");
    seen
}

#[test]
fn the_import_misses_nothing_of_pods() {
    let mut done = full_pod();
    done["status"] = json!({"phase": "Succeeded",
        "containerStatuses": [{"state": {"terminated": {"finishedAt": "2025-06-01T11:00:00Z", "message": SECRET}}}],
        "initContainerStatuses": [{"state": {"terminated": {"finishedAt": "2025-06-01T11:30:00Z"}}}]});
    let mut bare = full_pod();
    bare["spec"] = json!({"containers": []});
    bare["metadata"]["labels"] = json!({});
    let mut agent6 = full_pod();
    agent6["spec"]["containers"][0]["env"] = json!([{"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "value": "http://[fd00:ec2::23]/v1/credentials"}, {"name": "AWS_DEFAULT_REGION", "value": "us-gov-west-1"}]);
    for raw in [full_pod(), done, bare, agent6] {
        let reduced = object(&raw, &PODS);
        assert_eq!(seen(&raw), seen(&reduced), "{reduced}");
        assert!(!reduced.to_string().contains("4711"), "{reduced}");
    }
}

#[test]
fn values_of_variables_go_no_further() {
    // Where a value is not what its name says, it may be anything.
    let mut pod = full_pod();
    let names = [
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ];
    let env = names.map(|name| json!({"name": name, "value": SECRET}));
    pod["spec"]["containers"][0]["env"] = json!(env);
    let tail = format!("http://169.254.170.23/v1/credentials?token={SECRET}");
    pod["spec"]["containers"][1]["env"] =
        json!([{"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": tail}]);
    let reduced = object(&pod, &PODS);
    assert!(!reduced.to_string().contains("4711"), "{reduced}");
    let (before, after) = (seen(&pod), seen(&reduced));
    for name in ["injected", "containers", "aws_env"] {
        assert_eq!(before[0].attributes[name], after[0].attributes[name]);
    }
}

#[test]
fn the_import_misses_nothing_of_nodes_accounts_and_classes() {
    let node = json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n1", "uid": "u", "creationTimestamp": "2025-06-01T10:00:00Z",
            "annotations": {"note": SECRET}, "labels": {
            "eks.amazonaws.com/nodegroup": "ng", "karpenter.sh/nodepool": "np", "note": SECRET,
            "eks.amazonaws.com/compute-type": "auto",
            "node.kubernetes.io/instance-type": "m7g.large", "topology.kubernetes.io/zone": "eu-west-1a",
            "topology.kubernetes.io/region": "eu-west-1"}},
        "spec": {"providerID": "aws:///eu-west-1a/i-0abc", "podCIDR": "10.1.0.0/24"},
        "status": {"images": [{"names": [SECRET]}], "addresses": [{"type": "InternalIP", "address": "10.0.0.1"},
            {"type": "ExternalIP", "address": "198.51.100.1"}, {"type": "Hostname", "address": "h"}]}});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "secrets": [{"name": SECRET}],
        "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2025-06-01T10:00:00Z",
            "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/web", "note": SECRET,
                "eks.amazonaws.com/audience": "sts.amazonaws.com", "eks.amazonaws.com/token-expiration": "3600"}}});
    let class = json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "default"},
        "spec": {"role": "nodes", "userData": SECRET, "metadataOptions": {"httpTokens": "required",
            "httpPutResponseHopLimit": 1, "httpEndpoint": "enabled"}}, "status": {"instanceProfile": "made"}});
    let auto = json!({"apiVersion": "eks.amazonaws.com/v1", "kind": "NodeClass", "metadata": {"name": "default"},
        "spec": {"role": "auto-nodes"}});
    for (raw, resource) in [
        (node, NODES),
        (account, SERVICE_ACCOUNTS),
        (class, KARPENTER_CLASSES),
        (auto, AUTO_CLASSES),
    ] {
        let reduced = object(&raw, &resource);
        assert_eq!(seen(&raw), seen(&reduced), "{reduced}");
        assert!(!reduced.to_string().contains("4711"), "{reduced}");
    }
}

#[test]
fn only_the_maps_of_aws_auth_are_kept() {
    let rows = "- rolearn: arn:aws:iam::111122223333:role/n\n  username: system:node:{{EC2PrivateDNSName}}\n";
    let raw = json!({"metadata": {"name": "aws-auth", "annotations": {"note": SECRET}},
        "data": {"mapRoles": rows, "other": SECRET}});
    assert_eq!(
        aws_auth(&raw),
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": rows}})
    );
    assert_eq!(aws_auth(&Value::Null)["data"], json!({}));
}

#[test]
fn anything_at_all_can_be_cut_down() {
    for raw in [
        json!(null),
        json!([]),
        json!({"metadata": 5, "spec": {"containers": [5, {"env": [5, {"name": 5}]}]}, "status": []}),
        json!({"metadata": {"labels": [], "ownerReferences": [5]}, "spec": 5}),
    ] {
        for resource in [PODS, NODES, SERVICE_ACCOUNTS, KARPENTER_CLASSES] {
            assert_eq!(object(&raw, &resource)["kind"], resource.kind);
        }
    }
}
