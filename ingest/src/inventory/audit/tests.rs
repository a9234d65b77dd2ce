use serde_json::{Value, json};

use super::super::tests::{AT, context, gzip, pod, take, take_in, take_json};
use super::super::{Cluster, ClusterOf, Kind};
use super::*;

const TIME: &str = "2025-06-01T10:00:00.5Z";

fn event(verb: &str, resource: &str, subresource: &str, more: &Value) -> Value {
    let mut event = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "auditID": "a", "stage": "ResponseComplete", "verb": verb,
        "user": {"username": "kubernetes-admin"},
        "objectRef": {"resource": resource, "subresource": subresource, "namespace": "shop", "name": "web"},
        "responseStatus": {"code": 200}, "stageTimestamp": TIME});
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

fn created() -> Value {
    event(
        "create",
        "pods",
        "",
        &json!({"responseObject": pod("shop", "web-1")}),
    )
}

#[test]
fn pods_come_are_bound_and_go() {
    let taken = take_json(&created());
    let found = taken.one(Kind::Pod);
    assert_eq!(
        (found.name.as_str(), found.observed_at),
        ("web-1", time::parse(TIME).unwrap())
    );
    assert_eq!(found.attributes["service_account"], "app");

    let bound = event(
        "create",
        "pods",
        "binding",
        &json!({"requestObject": {"kind": "Binding",
        "metadata": {"uid": "u1"}, "target": {"kind": "Node", "name": "n1"}}}),
    );
    let taken = take_json(&bound);
    assert_eq!(
        json!(taken.one(Kind::Pod).attributes),
        json!({"node": "n1"})
    );
    assert_eq!(taken.one(Kind::Pod).uid.as_deref(), Some("u1"));

    let mut dying = pod("shop", "web");
    dying["metadata"]["deletionTimestamp"] = json!("2025-06-01T10:00:30Z");
    let status = json!({"kind": "Status", "details": {"name": "web", "uid": "u9"}});
    for (answer, expected) in [
        (dying, "2025-06-01T10:00:30Z"),
        (pod("shop", "web"), TIME),
        (status, TIME),
        (Value::Null, TIME),
    ] {
        let gone = event("delete", "pods", "", &json!({"responseObject": answer}));
        let taken = take_json(&gone);
        assert_eq!(taken.one(Kind::Pod).valid_to, time::parse(expected));
        assert!(taken.one(Kind::Pod).attributes.contains_key("deleted_at"));
    }
}

/// A change of a pod's status as EKS logs it: what the kubelet sent, without an answer.
fn patched(status: &Value) -> Value {
    let more = json!({"user": {"username": "system:node:n1"}, "level": "Request",
        "requestObject": {"metadata": {"uid": "u1"}, "status": status}});
    event("patch", "pods", "status", &more)
}

#[test]
fn kubelets_tell_addresses_and_times_of_their_pods() {
    let conditions = json!([{"type": "Ready", "status": "True"}]);
    for (status, expected, from, to) in [
        (
            json!({"hostIP": "10.0.1.10", "startTime": "2025-06-01T09:59:58Z", "phase": "Pending"}),
            json!({"node": "n1", "phase": "Pending", "started_at": "2025-06-01T09:59:58Z"}),
            Some("2025-06-01T09:59:58Z"),
            None,
        ),
        (
            json!({"podIP": "10.0.1.50", "podIPs": [{"ip": "10.0.1.50"}], "conditions": conditions,
                "$setElementOrder/podIPs": [{"ip": "10.0.1.50"}]}),
            json!({"node": "n1", "pod_ip": "10.0.1.50", "pod_ips": ["10.0.1.50"]}),
            None,
            None,
        ),
        (
            json!({"podIP": "10.0.1.77", "podIPs":
                [{"ip": "10.0.1.77"}, {"$patch": "delete", "ip": "10.0.1.50"}]}),
            json!({"node": "n1", "pod_ip": "10.0.1.77", "pod_ips": ["10.0.1.77"]}),
            None,
            None,
        ),
        (
            json!({"podIP": "10.0.1.10", "hostIP": "10.0.1.10"}),
            json!({"host_network": true, "node": "n1", "pod_ip": "10.0.1.10"}),
            None,
            None,
        ),
        (
            json!({"podIP": "10.0.1.50", "hostIP": "10.0.1.10"}),
            json!({"host_network": false, "node": "n1", "pod_ip": "10.0.1.50"}),
            None,
            None,
        ),
        (
            json!({"phase": "Succeeded", "containerStatuses":
                [{"state": {"terminated": {"finishedAt": "2025-06-01T09:59:59Z"}}}]}),
            json!({"node": "n1", "phase": "Succeeded", "ended_at": "2025-06-01T09:59:59Z"}),
            None,
            Some("2025-06-01T09:59:59Z"),
        ),
    ] {
        let taken = take_json(&patched(&status));
        let found = taken.one(Kind::Pod);
        assert_eq!(
            (found.name.as_str(), found.uid.as_deref()),
            ("web", Some("u1"))
        );
        assert_eq!(json!(found.attributes), expected);
        let times = [found.valid_from, found.valid_to];
        assert_eq!(times, [from, to].map(|time| time.and_then(time::parse)));
    }
    let taken = take_json(&patched(&json!({"conditions": conditions})));
    assert_eq!(taken.skipped("audit_event"), 1);

    let answered = event(
        "patch",
        "pods",
        "status",
        &json!({"responseObject": pod("shop", "web-1")}),
    );
    let taken = take_json(&answered);
    assert_eq!(
        taken.one(Kind::Pod).attributes["service_account"],
        json!("app")
    );
}

#[test]
fn a_create_that_was_not_logged_in_full_still_names_the_pod() {
    let taken = take_json(&event("create", "pods", "", &json!({"level": "Metadata"})));
    let found = taken.one(Kind::Pod);
    assert_eq!(
        (found.name.as_str(), found.valid_from),
        ("web", time::parse(TIME))
    );
    assert_eq!(
        json!(found.attributes),
        json!({"created_at": "2025-06-01T10:00:00.500Z"})
    );
    // A generated name is only in the answer.
    let mut nameless = event("create", "pods", "", &json!({}));
    nameless["objectRef"]
        .as_object_mut()
        .unwrap()
        .remove("name");
    assert_eq!(take_json(&nameless).skipped("audit_event"), 1);
}

#[test]
fn token_requests_name_pod_and_node() {
    let more = json!({"user": {"username": "system:node:n1"}, "level": "Request",
        "requestObject": {"spec": {"audiences": ["sts.amazonaws.com"], "expirationSeconds": 86400,
            "boundObjectRef": {"kind": "Pod", "name": "web-1", "uid": "u1"}}}});
    let taken = take_json(&event("create", "serviceaccounts", "token", &more));
    let found = taken.one(Kind::TokenRequest);
    assert_eq!(
        (found.name.as_str(), found.namespace.as_deref()),
        ("web", Some("shop"))
    );
    assert_eq!(
        json!(found.attributes),
        json!({"audiences": ["sts.amazonaws.com"], "pod": "web-1",
        "pod_uid": "u1", "node": "n1", "expiration_seconds": 86400, "level": "Request"})
    );
    let short = json!({"user": {"username": "system:node:n1"}, "level": "Metadata"});
    let taken = take_json(&event("create", "serviceaccounts", "token", &short));
    assert_eq!(
        json!(taken.one(Kind::TokenRequest).attributes),
        json!({"node": "n1", "level": "Metadata"})
    );
}

#[test]
fn service_accounts_and_aws_auth_change() {
    let account = json!({"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "web",
        "namespace": "shop", "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/w"}}});
    for verb in ["create", "update", "patch"] {
        let taken = take_json(&event(
            verb,
            "serviceaccounts",
            "",
            &json!({"responseObject": account}),
        ));
        assert_eq!(taken.names(Kind::ServiceAccount), ["web"]);
    }
    let patch = event(
        "patch",
        "serviceaccounts",
        "",
        &json!({"requestObject": account}),
    );
    assert_eq!(take_json(&patch).skipped("audit_event"), 1);

    let place = json!({"resource": "configmaps", "namespace": "kube-system", "name": "aws-auth"});
    let map = json!({"kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": "- rolearn: arn:aws:iam::111122223333:role/n\n"}});
    let changed = event(
        "patch",
        "",
        "",
        &json!({"objectRef": place, "responseObject": map}),
    );
    let taken = take_json(&changed);
    assert_eq!(
        taken.names(Kind::AwsAuth),
        ["arn:aws:iam::111122223333:role/n"]
    );
    assert_eq!(
        taken.one(Kind::Listing).observed_at,
        time::parse(TIME).unwrap()
    );
    let gone = take_json(&event("delete", "", "", &json!({"objectRef": place})));
    assert_eq!(gone.one(Kind::Listing).attributes["items"], 0);
}

#[test]
fn the_session_of_a_node_is_told_when_it_changes() {
    let call = |node: &str, key: &str| {
        event(
            "get",
            "pods",
            "",
            &json!({"user": {"username": format!("system:node:{node}"), "extra": {
            "sigs.k8s.io/aws-iam-authenticator/accessKeyId": [key], "sessionName": ["i-0aa"],
            "canonicalArn": ["arn:aws:iam::111122223333:role/node"]}}}),
        )
        .to_string()
    };
    let lines = [
        call("n1", "K1"),
        call("n1", "K1"),
        call("n2", "K1"),
        call("n1", "K2"),
        call("n1", "K2"),
    ];
    let taken = take(&lines.join("\n"));
    assert_eq!(taken.names(Kind::NodeSession), ["n1", "n2", "n1"]);
    assert_eq!(
        json!(taken.of(Kind::NodeSession)[2].attributes),
        json!({"instance_id": "i-0aa",
        "role_arn": "arn:aws:iam::111122223333:role/node", "access_key_id": "K2", "session_name": "i-0aa"})
    );
    assert_eq!(taken.skipped("audit_event"), 2);
}

#[test]
fn what_teaches_nothing_is_counted() {
    let refused = event(
        "create",
        "pods",
        "",
        &json!({"responseStatus": {"code": 403}}),
    );
    let early = event("create", "pods", "", &json!({"stage": "RequestReceived"}));
    let other = event("list", "secrets", "", &json!({}));
    let taken = take(&format!("{refused}\n{early}\n{other}\n{other}"));
    assert!(taken.observations.is_empty() && taken.rejects.is_empty());
    for (what, count) in [
        ("audit_refused", 1),
        ("audit_other_stage", 1),
        ("audit_event", 2),
    ] {
        assert_eq!(taken.skipped(what), count, "{what}");
    }
}

#[test]
fn events_come_in_every_wrapping() {
    let line = created().to_string();
    let message =
        |line: &str| json!({"id": "1", "timestamp": 1_748_779_200_000_i64, "message": line});
    let group = "/aws/eks/dev/cluster";
    let log = "I0601 10:00:00 a line of the scheduler";
    for text in [
        line.clone(),
        format!("{line}\n{line}")
            .replace("\"auditID\":\"a\"", "\"auditID\":\"b\"")
            .split('\n')
            .next()
            .unwrap()
            .to_owned(),
        json!([created()]).to_string(),
        json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [created()]})
            .to_string(),
        json!({"events": [message(&line), message(log)], "nextForwardToken": "f/1"}).to_string(),
        json!({"events": [{"message": created()}]}).to_string(),
        json!({"messageType": "DATA_MESSAGE", "owner": "444455556666", "logGroup": group,
            "logEvents": [message(&line)]})
        .to_string(),
        message(&line).to_string(),
        format!("2025-06-01T10:00:01.000Z {line}\n"),
        format!("2025-06-01T10:00:01.000000+00:00 kube-apiserver-audit-0a {line}\n"),
    ] {
        let taken = take_in(&context(), &gzip(text.as_bytes()));
        assert_eq!(taken.names(Kind::Pod), ["web-1"], "{text}");
        assert!(
            taken.rejects.is_empty() && taken.of(Kind::Listing).is_empty(),
            "{text}"
        );
    }
}

#[test]
fn a_log_group_names_the_cluster_unless_the_user_does() {
    // CloudWatch Logs writes the group before the events.
    let text = json!({"logGroup": "/aws/eks/dev/cluster", "owner": "444455556666",
        "logEvents": [{"message": created().to_string()}]});
    let text = format!(
        r#"{{"logGroup":{},"owner":"444455556666","logEvents":{}}}"#,
        text["logGroup"], text["logEvents"]
    );
    let named = ClusterOf::Named(Cluster {
        name: "mine".to_owned(),
        ..Cluster::default()
    });
    let of_folder = |account: &str| {
        ClusterOf::Folder(Cluster {
            name: "dev".to_owned(),
            account_id: Some(account.to_owned()),
            region: Some("eu-west-1".to_owned()),
        })
    };
    let owner = Some("444455556666");
    for (cluster, expected) in [
        (ClusterOf::Unknown, ("dev", owner, None)),
        (context().cluster, ("dev", owner, None)),
        (of_folder("444455556666"), ("dev", owner, Some("eu-west-1"))),
        // A cluster of the same name in another account.
        (of_folder("111122223333"), ("dev", owner, None)),
        (named, ("mine", None, None)),
    ] {
        let context = FileContext {
            cluster,
            ..context()
        };
        let taken = take_in(&context, text.as_bytes());
        let found = taken.one(Kind::Pod);
        assert_eq!(
            (
                found.cluster.as_deref().unwrap(),
                found.account_id.as_deref(),
                found.region.as_deref()
            ),
            expected
        );
    }
}

#[test]
fn an_event_without_time_has_the_time_of_its_message_or_of_the_file() {
    let mut event = created();
    event.as_object_mut().unwrap().remove("stageTimestamp");
    assert_eq!(take_json(&event).one(Kind::Pod).observed_at, AT);
    let wrapped =
        json!({"events": [{"timestamp": 1_748_779_200_000_i64, "message": event.to_string()}]});
    assert_eq!(
        take_json(&wrapped).one(Kind::Pod).observed_at,
        1_748_779_200_000_000
    );
}
