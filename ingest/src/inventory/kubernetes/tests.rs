use serde_json::{Value, json};

use super::super::Kind;
use super::super::tests::{AT, pod, take_json};

fn attributes(value: &Value, kind: Kind) -> Value {
    let taken = take_json(value);
    assert!(taken.rejects.is_empty(), "{:?}", taken.rejects);
    Value::Object(taken.one(kind).attributes.clone())
}

#[test]
fn a_pod_is_read_with_all_its_attributes() {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-7d9c-x", "namespace": "shop", "uid": "u-1",
            "creationTimestamp": "2025-06-01T10:00:00Z", "deletionTimestamp": "2025-06-02T10:00:00Z",
            "annotations": {"eks.amazonaws.com/skip-containers": "proxy, log", "iam.amazonaws.com/role": "old"},
            "labels": {"app": "web", "pod-template-hash": "7d9c", "team": "t"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-7d9c", "controller": true}]},
        "spec": {"serviceAccountName": "web", "nodeName": "n1", "hostNetwork": true,
            "containers": [
                {"name": "main", "image": "app:1", "env": [
                    {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::111122223333:role/web"},
                    {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/token"},
                    {"name": "AWS_REGION", "value": "eu-west-1"},
                    {"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": {"secretKeyRef": {"name": "s"}}}]},
                {"name": "proxy", "image": "proxy:2"}],
            "initContainers": [{"name": "init", "image": "app:1"}]},
        "status": {"phase": "Running", "podIP": "10.0.0.5", "podIPs": [{"ip": "10.0.0.5"}, {"ip": "fd00::5"}],
            "startTime": "2025-06-01T10:00:01Z"},
    });
    let taken = take_json(&pod);
    let found = taken.one(Kind::Pod);
    assert_eq!(found.namespace.as_deref(), Some("shop"));
    assert_eq!(
        (found.name.as_str(), found.uid.as_deref()),
        ("web-7d9c-x", Some("u-1"))
    );
    assert_eq!(found.account_id.as_deref(), Some("111122223333"));
    assert_eq!((found.observed_at, found.valid_to), (AT, None));
    assert_eq!(
        found.valid_from,
        super::super::time::parse("2025-06-01T10:00:01Z")
    );
    assert_eq!(
        Value::Object(found.attributes.clone()),
        json!({
            "service_account": "web", "node": "n1", "pod_ip": "10.0.0.5", "pod_ips": ["10.0.0.5", "fd00::5"],
            "host_network": true, "phase": "Running", "created_at": "2025-06-01T10:00:00Z",
            "started_at": "2025-06-01T10:00:01Z", "deleted_at": "2025-06-02T10:00:00Z", "injected": "irsa",
            "injected_role_arn": "arn:aws:iam::111122223333:role/web", "skip_containers": ["proxy", "log"],
            "containers": [{"name": "main", "image": "app:1", "injected": "irsa"},
                {"name": "proxy", "image": "proxy:2", "injected": "none"}],
            "init_containers": [{"name": "init", "image": "app:1", "injected": "none"}],
            "images": ["app:1", "proxy:2"], "owner_kind": "Deployment", "owner_name": "web",
            "labels": {"app": "web"}, "iam_role": "old",
            "aws_env": ["AWS_REGION", "AWS_ROLE_ARN", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE"],
            "aws_region": "eu-west-1",
        })
    );
}

#[test]
fn the_environment_tells_which_credentials_a_pod_was_given() {
    let irsa = [
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/a"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
    ];
    let agent = (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "http://169.254.170.23/v1/credentials",
    );
    let agent6 = (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "http://[fd00:ec2::23]/v1/credentials",
    );
    let other = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/x");
    for (env, expected) in [
        (vec![], "none"),
        (irsa.to_vec(), "irsa"),
        (vec![irsa[0]], "none"),
        (vec![agent], "pod_identity"),
        (vec![agent6], "pod_identity"),
        (vec![other], "none"),
        (vec![irsa[0], irsa[1], agent], "pod_identity"),
    ] {
        let mut pod = pod("shop", "web");
        let env: Vec<Value> = env
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        pod["spec"]["containers"][0]["env"] = json!(env);
        assert_eq!(attributes(&pod, Kind::Pod)["injected"], expected);
    }
}

#[test]
fn owners_and_defaults() {
    for (kind, name, hash, expected) in [
        (
            "ReplicaSet",
            "web-7d9c",
            Some("7d9c"),
            ("Deployment", "web"),
        ),
        ("ReplicaSet", "web-7d9c", None, ("ReplicaSet", "web-7d9c")),
        (
            "ReplicaSet",
            "web-7d9c",
            Some("other"),
            ("ReplicaSet", "web-7d9c"),
        ),
        ("DaemonSet", "log", Some("log"), ("DaemonSet", "log")),
    ] {
        let mut pod = pod("shop", "web");
        pod["metadata"]["ownerReferences"] = json!([{"kind": "X", "name": "x"},
            {"kind": kind, "name": name, "controller": true}]);
        if let Some(hash) = hash {
            pod["metadata"]["labels"] = json!({"pod-template-hash": hash});
        }
        let found = attributes(&pod, Kind::Pod);
        assert_eq!(
            (found["owner_kind"].as_str(), found["owner_name"].as_str()),
            (Some(expected.0), Some(expected.1))
        );
    }
    let mut pod = pod("shop", "web");
    pod["spec"]
        .as_object_mut()
        .unwrap()
        .remove("serviceAccountName");
    let found = attributes(&pod, Kind::Pod);
    assert_eq!(
        (&found["service_account"], &found["host_network"]),
        (&json!("default"), &json!(false))
    );
}

#[test]
fn a_pod_that_is_over_says_when() {
    let mut done = pod("shop", "job");
    done["status"] = json!({"phase": "Succeeded", "containerStatuses": [
        {"state": {"terminated": {"finishedAt": "2025-06-01T11:00:00Z"}}},
        {"state": {"terminated": {"finishedAt": "2025-06-01T11:30:00Z"}}}]});
    let taken = take_json(&done);
    assert_eq!(
        taken.one(Kind::Pod).valid_to,
        super::super::time::parse("2025-06-01T11:30:00Z")
    );
    assert_eq!(
        taken.one(Kind::Pod).attributes["ended_at"],
        "2025-06-01T11:30:00Z"
    );
    done["status"] = json!({"phase": "Failed", "reason": "Evicted"});
    let taken = take_json(&done);
    assert_eq!(taken.one(Kind::Pod).valid_to, Some(AT));
    assert!(!taken.one(Kind::Pod).attributes.contains_key("ended_at"));
}

#[test]
fn nodes_say_what_they_run_on() {
    let zone = "topology.kubernetes.io/zone";
    for (labels, provider, compute, instance) in [
        (
            json!({zone: "a"}),
            "aws:///eu-west-1a/i-0abc",
            Some("ec2"),
            Some("i-0abc"),
        ),
        (
            json!({"eks.amazonaws.com/compute-type": "auto"}),
            "aws:///eu-west-1a/i-0abc",
            Some("auto"),
            Some("i-0abc"),
        ),
        (
            json!({"eks.amazonaws.com/compute-type": "fargate"}),
            "aws:///eu-west-1a/1/fargate-ip-10-0-0-1",
            Some("fargate"),
            None,
        ),
        (
            json!({}),
            "aws:///eu-west-1a/1/fargate-ip-10-0-0-1",
            Some("fargate"),
            None,
        ),
        (
            json!({}),
            "eks-hybrid:///eu-west-1/prod/mi-0abc",
            Some("hybrid"),
            Some("mi-0abc"),
        ),
        (json!({}), "kind://docker/kind/node", None, None),
    ] {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": labels},
            "spec": {"providerID": provider}});
        let found = attributes(&node, Kind::Node);
        assert_eq!(
            found.get("compute").and_then(Value::as_str),
            compute,
            "{provider}"
        );
        assert_eq!(
            found.get("instance_id").and_then(Value::as_str),
            instance,
            "{provider}"
        );
    }
    let node = json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n1", "uid": "u", "creationTimestamp": "2025-06-01T10:00:00Z", "labels": {
            "eks.amazonaws.com/nodegroup": "ng", "karpenter.sh/nodepool": "np",
            "node.kubernetes.io/instance-type": "m7g.large", "topology.kubernetes.io/zone": "eu-west-1a",
            "topology.kubernetes.io/region": "eu-west-1"}},
        "spec": {"providerID": "aws:///eu-west-1a/i-0abc", "podCIDR": "10.1.0.0/24"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"},
            {"type": "InternalIP", "address": "fd00::1"}, {"type": "ExternalIP", "address": "198.51.100.1"},
            {"type": "Hostname", "address": "h"}]}});
    assert_eq!(
        attributes(&node, Kind::Node),
        json!({
        "provider_id": "aws:///eu-west-1a/i-0abc", "instance_id": "i-0abc", "internal_ip": "10.0.0.1",
        "external_ip": "198.51.100.1", "hostname": "h", "compute": "ec2", "nodegroup": "ng", "nodepool": "np",
        "instance_type": "m7g.large", "zone": "eu-west-1a", "region": "eu-west-1",
        "created_at": "2025-06-01T10:00:00Z", "pod_cidr": "10.1.0.0/24"})
    );
}

#[test]
fn service_accounts_and_node_classes() {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2025-06-01T10:00:00Z",
            "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/web",
                "eks.amazonaws.com/audience": "sts.amazonaws.com", "eks.amazonaws.com/token-expiration": "3600"}}});
    assert_eq!(
        attributes(&account, Kind::ServiceAccount),
        json!({
        "role_arn": "arn:aws:iam::111122223333:role/web", "audience": "sts.amazonaws.com",
        "token_expiration": "3600", "created_at": "2025-06-01T10:00:00Z"})
    );
    let class = json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "default"},
        "spec": {"role": "nodes", "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1,
            "httpEndpoint": "enabled"}}, "status": {"instanceProfile": "made"}});
    assert_eq!(
        attributes(&class, Kind::NodeClass),
        json!({
        "api_group": "karpenter.k8s.aws", "role": "nodes", "instance_profile": "made", "http_tokens": "required",
        "hop_limit": 1, "http_endpoint": "enabled"})
    );
    let auto = json!({"apiVersion": "eks.amazonaws.com/v1", "kind": "NodeClass", "metadata": {"name": "default"},
        "spec": {"role": "auto-nodes"}});
    assert_eq!(
        attributes(&auto, Kind::NodeClass),
        json!({"api_group": "eks.amazonaws.com", "role": "auto-nodes"})
    );
}

#[test]
fn malformed_objects_say_what_is_missing() {
    for value in [
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "y"}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": "x"}),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": 5}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}),
    ] {
        let taken = take_json(&value);
        assert_eq!(taken.reasons(), ["malformed"], "{value}");
        assert!(taken.rejects[0].detail.contains("missing"));
        assert!(taken.rejects[0].text.starts_with('{'));
    }
}
