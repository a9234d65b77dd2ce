use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::collect::Reason;
use crate::collect::testing::{AT, Reply, Request, Server, clock, output, taken};
use crate::inventory::{Kind, Observation};

mod following;

/// A kubeconfig of one context, as `aws eks update-kubeconfig` writes it.
fn kubeconfig(url: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "prod",
        "clusters": [{"name": "arn:aws:eks:eu-west-1:111122223333:cluster/prod", "cluster": {"server": url}}],
        "contexts": [{"name": "prod", "context": {
            "cluster": "arn:aws:eks:eu-west-1:111122223333:cluster/prod", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "made-up-token"}}]});
    file.write_all(config.to_string().as_bytes()).unwrap();
    file
}

async fn connection(server: &Server) -> Connection {
    let file = kubeconfig(&server.url);
    let access = Access::Kubeconfig {
        path: Some(file.path().to_owned()),
        context: None,
    };
    let mut connection = connect(&access, None, clock).await.unwrap();
    connection.api.pause = Duration::from_millis(1);
    connection
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "5",
            "creationTimestamp": "2025-06-01T10:00:00Z"},
        "spec": {"serviceAccountName": "web", "nodeName": "n1", "containers": [{"name": "main", "image": "app:1"}]},
        "status": {"phase": "Running", "podIP": "10.0.0.5", "startTime": "2025-06-01T10:00:01Z"}})
}

fn node(name: &str) -> Value {
    json!({"metadata": {"name": name, "uid": format!("uid-{name}"), "resourceVersion": "6"},
        "spec": {"providerID": "aws:///eu-west-1a/i-0aa"}})
}

fn service_account() -> Value {
    json!({"metadata": {"name": "web", "namespace": "shop", "uid": "uid-web",
        "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/web", "note": "private"}}})
}

fn list(version: &str, next: &str, items: &[Value]) -> Reply {
    let metadata = json!({"resourceVersion": version, "continue": next, "remainingItemCount": 1});
    let list = json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items});
    Reply::Json(200, list)
}

fn status(code: u16, message: &str) -> Reply {
    Reply::Json(code, status_value(code, message))
}

fn status_value(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})
}

/// A small cluster without Karpenter and without `aws-auth`.
fn cluster(request: &Request) -> Reply {
    match request.path.as_str() {
        "/api/v1/pods" => list("100", "", &[pod("a"), pod("b")]),
        "/api/v1/nodes" => list("100", "", &[node("n1")]),
        "/api/v1/serviceaccounts" => list("100", "", &[service_account()]),
        _ => status(404, "the server could not find the requested resource"),
    }
}

fn names(observations: &[Observation], kind: Kind) -> Vec<&str> {
    let of = observations.iter().filter(|each| each.kind == kind);
    of.map(|each| each.name.as_str()).collect()
}

#[tokio::test]
async fn a_whole_cluster_is_listed() {
    let server = Server::start(cluster).await;
    let connection = connection(&server).await;
    let (out, receiver) = output();
    let seen = connection.collect(&out).await.unwrap();
    assert_eq!((seen.documents, seen.objects), (4, 4));
    let role = "arn:aws:iam::111122223333:role/web".to_owned();
    assert_eq!(seen.role_arns, BTreeSet::from([role.clone()]));
    assert_eq!(seen.instance_ids, BTreeSet::from(["i-0aa".to_owned()]));

    let taken = taken(receiver);
    assert_eq!(taken.warnings, []);
    let observations = taken.observations();
    assert_eq!(names(&observations, Kind::Pod), ["a", "b"]);
    assert_eq!(names(&observations, Kind::Node), ["n1"]);
    // Complete lists, so that what they lack is known to be gone; without the config map it has no rows.
    let listed = names(&observations, Kind::Listing);
    assert_eq!(listed, ["node", "service_account", "pod", "aws_auth"]);
    for each in &observations {
        assert_eq!(each.cluster.as_deref(), Some("prod"), "{each:?}");
        assert_eq!(each.account_id.as_deref(), Some("111122223333"));
        assert_eq!(each.observed_at, AT);
    }
    let account = observations
        .iter()
        .find(|each| each.kind == Kind::ServiceAccount);
    assert_eq!(account.unwrap().attributes["role_arn"], role);

    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|each| each.header("authorization") == "Bearer made-up-token")
    );
    assert!(requests.iter().all(|each| each.method == "GET"));
    assert_eq!(requests[0].query, "limit=500");
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let server = Server::start(|request| {
        if request.path != "/api/v1/pods" {
            return cluster(request);
        }
        match request.member("continue").as_deref() {
            None => list("100", "to/b+=", &[pod("a")]),
            Some("to/b+=") => list("101", "to c", &[pod("b")]),
            Some("to c") => list("102", "", &[pod("c")]),
            other => status(400, &format!("unknown token {other:?}")),
        }
    })
    .await;
    let (out, receiver) = output();
    connection(&server).await.collect(&out).await.unwrap();
    let taken = taken(receiver);
    // One document, one complete list.
    assert_eq!(taken.of("kubernetes pods").len(), 1);
    let observations = taken.observations();
    assert_eq!(names(&observations, Kind::Pod), ["a", "b", "c"]);
    assert!(names(&observations, Kind::Listing).contains(&"pod"));
}

#[tokio::test]
async fn an_expired_list_begins_anew_a_bounded_number_of_times() {
    for (expiries, expected) in [(1, true), (LIST_RESTARTS, true), (LIST_RESTARTS + 1, false)] {
        let left = Mutex::new(expiries);
        let server = Server::start(move |request| {
            if request.path != "/api/v1/pods" {
                return cluster(request);
            }
            let mut left = left.lock().unwrap();
            match request.member("continue") {
                None => list("100", "next", &[pod(&format!("first-{left}"))]),
                Some(_) if *left > 0 => {
                    *left -= 1;
                    status(410, "The provided continue parameter is too old")
                }
                Some(_) => list("100", "", &[pod("last")]),
            }
        })
        .await;
        let (out, receiver) = output();
        connection(&server).await.collect(&out).await.unwrap();
        let taken = taken(receiver);
        let observations = taken.observations();
        if expected {
            // Nothing of the lists that expired.
            assert_eq!(names(&observations, Kind::Pod), ["first-0", "last"]);
            assert_eq!(taken.warnings, []);
        } else {
            assert_eq!(names(&observations, Kind::Pod), [""; 0]);
            assert_eq!(taken.warnings.len(), 1);
            assert_eq!(taken.warnings[0].reason, Reason::Unavailable);
            assert!(taken.warnings[0].detail.contains("too old"));
        }
    }
}

#[tokio::test]
async fn a_page_with_too_many_bytes_is_asked_for_with_fewer_items() {
    let server = Server::start(|request| {
        if request.path != "/api/v1/pods" {
            return cluster(request);
        }
        match request.member("limit").unwrap().parse::<usize>().unwrap() {
            limit @ 100.. => list("100", "", &vec![pod("large"); limit]),
            _ => list("100", "", &[pod("a")]),
        }
    })
    .await;
    let mut connection = connection(&server).await;
    connection.api.page_bytes = 20_000;
    let (out, receiver) = output();
    connection.collect(&out).await.unwrap();
    assert_eq!(names(&taken(receiver).observations(), Kind::Pod), ["a"]);
}

#[tokio::test]
async fn a_missing_permission_is_named_and_the_rest_is_read() {
    let server = Server::start(|request| match request.path.as_str() {
        "/api/v1/nodes" => status(
            403,
            "nodes is forbidden: User \"me\" cannot list resource \"nodes\"",
        ),
        AWS_AUTH_PATH => status(403, "configmaps \"aws-auth\" is forbidden"),
        _ => cluster(request),
    })
    .await;
    let (out, receiver) = output();
    connection(&server).await.collect(&out).await.unwrap();
    let taken = taken(receiver);
    assert_eq!(names(&taken.observations(), Kind::Pod), ["a", "b"]);
    let [nodes, aws_auth] = taken.warnings.as_slice() else {
        panic!("{:?}", taken.warnings);
    };
    assert_eq!(
        (nodes.reason, nodes.call.as_str()),
        (Reason::Denied, "kubernetes nodes")
    );
    let text = nodes.to_string();
    assert!(
        text.contains(r#"resources: ["nodes"], verbs: ["list", "watch"]"#),
        "{text}"
    );
    assert!(text.contains("cannot list resource"), "{text}");
    assert!(text.contains("cluster/prod"), "{text}");
    assert!(
        aws_auth
            .advice
            .contains(r#"resourceNames: ["aws-auth"], verbs: ["get"]"#)
    );
}

#[tokio::test]
async fn where_nothing_can_be_read_the_collection_fails() {
    let server = Server::start(|_| status(401, "Unauthorized")).await;
    let (out, receiver) = output();
    let error = connection(&server).await.collect(&out).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&server.url) && text.contains("credentials refused"),
        "{text}"
    );
    let warnings = taken(receiver).warnings;
    assert!(
        warnings
            .iter()
            .all(|each| each.reason == Reason::Credentials)
    );
    assert!(!format!("{warnings:?} {text}").contains("made-up-token"));
}

#[tokio::test]
async fn failures_that_pass_are_waited_out() {
    let left = Mutex::new(3);
    let server = Server::start(move |request| {
        let mut left = left.lock().unwrap();
        if request.path == "/api/v1/pods" && *left > 0 {
            *left -= 1;
            return match *left {
                2 => status(503, "etcdserver: leader changed"),
                1 => status(429, "too many requests"),
                // Not the API server: a load balancer.
                _ => Reply::Text(502, "<html>Bad Gateway</html>".to_owned()),
            };
        }
        cluster(request)
    })
    .await;
    let (out, receiver) = output();
    connection(&server).await.collect(&out).await.unwrap();
    let taken = taken(receiver);
    assert_eq!(taken.warnings, []);
    assert_eq!(names(&taken.observations(), Kind::Pod), ["a", "b"]);
}

#[tokio::test]
async fn what_is_no_json_is_a_warning_that_shows_nothing_of_it() {
    let server = Server::start(|request| match request.path.as_str() {
        "/api/v1/pods" => Reply::Text(200, r#"{"items": [{"env": "s3cr3t" "#.to_owned()),
        _ => cluster(request),
    })
    .await;
    let (out, receiver) = output();
    connection(&server).await.collect(&out).await.unwrap();
    let warnings = taken(receiver).warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].reason, Reason::Malformed);
    assert!(!warnings[0].to_string().contains("s3cr3t"));
}

#[tokio::test]
async fn a_receiver_that_is_gone_ends_the_collection() {
    let server = Server::start(cluster).await;
    let (out, receiver) = output();
    drop(receiver);
    let result = connection(&server).await.collect(&out).await;
    assert!(matches!(result, Err(Error::Closed(_))), "{result:?}");
}
