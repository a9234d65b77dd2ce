//! `podtrail inventory collect --follow`: a pod that comes and goes between two looks is known, though the connection
//! breaks in between.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use podtrail_tests::aws_account::{ALL, AwsAccount};
use podtrail_tests::endpoint::{self, wait_for};
use podtrail_tests::kubernetes_api::{
    KubernetesApi, NODES, PODS, SERVICE_ACCOUNTS, Watch, node, pod, service_account,
};
use podtrail_tests::program::{Run, sql};
use serde_json::{Value, json};

const INSTANCE: &str = "i-0aaaaaaaaaaaaaaa1";

/// A collection that goes on. Dropped, it is killed.
struct Following {
    child: Option<Child>,
    folder: tempfile::TempDir,
}

impl Following {
    /// Of Kubernetes alone.
    fn start(api: &KubernetesApi) -> Self {
        Self::with(api, "http://127.0.0.1:1", &["--no-aws"])
    }

    fn with(api: &KubernetesApi, aws: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = api.kubeconfig(folder.path(), "local");
        let mut following = Self {
            child: None,
            folder,
        };
        let mut arguments = vec![
            "inventory",
            "collect",
            "--follow",
            "--cluster",
            "prod",
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
        ];
        arguments.extend(options);
        let child = endpoint::command(aws, &following.store(), &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        following.child = Some(child);
        following
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Sends SIGTERM and waits for the end.
    fn terminate(&mut self) -> Run {
        let child = self.child.take().unwrap();
        let asked = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(asked.success());
        Run::from(child.wait_with_output().unwrap())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn cluster() -> KubernetesApi {
    let api = KubernetesApi::start();
    api.list(NODES, vec![node("node-1", INSTANCE)]);
    api.list(SERVICE_ACCOUNTS, vec![service_account("shop", "web", None)]);
    api.list(PODS, vec![pod("web-1", "web", "node-1", "10.0.0.11")]);
    api
}

/// Waits until the program watches pods.
fn watched(api: &KubernetesApi) -> Watch {
    wait_for("a watch of pods", || api.watch(PODS))
}

/// A pod as it is at a resource version.
fn at_version(mut pod: Value, version: &str) -> Value {
    pod["kind"] = json!("Pod");
    pod["apiVersion"] = json!("v1");
    pod["metadata"]["resourceVersion"] = json!(version);
    pod
}

/// The pods of these names and whether they live, as soon as there are so many such rows.
fn pods(store: &Path, count: usize, condition: &str) -> Vec<Value> {
    let query = format!(
        "SELECT pod, service_account, valid_to IS NULL AS lives FROM pods WHERE {condition} ORDER BY pod"
    );
    wait_for(condition, || {
        Some(sql(store, &query)).filter(|rows| rows.len() == count)
    })
}

#[test]
fn a_pod_that_came_before_a_disconnect_and_went_after_it_has_its_interval() {
    let api = cluster();
    let mut following = Following::start(&api);
    let store = following.store();
    let first = watched(&api);
    assert_eq!(first.version, "100", "the watch goes on from the list");
    assert_eq!(
        pods(&store, 1, "pod = 'web-1'"),
        [json!({"pod": "web-1", "service_account": "web", "lives": true})]
    );

    let late = pod("late", "web", "node-1", "10.0.0.99");
    first.event("ADDED", &at_version(late.clone(), "101"));
    assert_eq!(
        pods(&store, 1, "pod = 'late'"),
        [json!({"pod": "late", "service_account": "web", "lives": true})]
    );
    // The connection breaks in the middle of the answer.
    drop(first);
    let second = watched(&api);
    assert_eq!(
        second.version, "101",
        "the watch goes on from the last change"
    );
    second.event("DELETED", &at_version(late, "102"));
    assert_eq!(
        pods(&store, 1, "pod = 'late' AND valid_to IS NOT NULL"),
        [json!({"pod": "late", "service_account": "web", "lives": false})]
    );
    // Of the other one nothing was said.
    assert_eq!(
        pods(&store, 1, "pod = 'web-1'"),
        [json!({"pod": "web-1", "service_account": "web", "lives": true})]
    );
    let span = "pod = 'late' AND valid_from < valid_to AND certain_to = valid_to";
    assert_eq!(pods(&store, 1, span).len(), 1);

    let ended = following.terminate().expect(0);
    assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    assert!(!ended.stderr.contains("warnings"), "{}", ended.stderr);
}

#[test]
fn an_expired_version_is_listed_anew_and_what_went_meanwhile_has_an_end() {
    let api = cluster();
    let mut following = Following::start(&api);
    let store = following.store();
    let first = watched(&api);
    // The server forgot what happened since: the pod went without an event.
    api.list(PODS, vec![pod("web-3", "web", "node-1", "10.0.0.13")]);
    let expired = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version: 100 (200)", "reason": "Expired", "code": 410});
    first.event("ERROR", &expired);
    assert_eq!(
        pods(&store, 1, "pod = 'web-1' AND valid_to IS NOT NULL"),
        [json!({"pod": "web-1", "service_account": "web", "lives": false})]
    );
    assert_eq!(
        pods(&store, 1, "pod = 'web-3'"),
        [json!({"pod": "web-3", "service_account": "web", "lives": true})]
    );
    following.terminate().expect(0);
}

#[test]
fn what_was_heard_before_the_end_is_kept() {
    let api = cluster();
    let mut following = Following::start(&api);
    let store = following.store();
    let first = watched(&api);
    let late = pod("late", "web", "node-1", "10.0.0.99");
    first.event("ADDED", &at_version(late, "101"));
    drop(first);
    // It was heard, and waits for others to be kept with.
    assert_eq!(watched(&api).version, "101");
    following.terminate().expect(0);
    assert_eq!(pods(&store, 1, "pod = 'late'").len(), 1);
}

#[test]
fn an_account_that_denies_everything_does_not_keep_a_cluster_from_being_watched() {
    let (api, account) = (cluster(), AwsAccount::start());
    account.deny(ALL);
    let mut following = Following::with(&api, account.url(), &[]);
    let store = following.store();
    let watch = watched(&api);
    assert_eq!(pods(&store, 1, "pod = 'web-1'").len(), 1);
    let late = pod("late", "web", "node-1", "10.0.0.99");
    watch.event("ADDED", &at_version(late, "101"));
    assert_eq!(pods(&store, 1, "pod = 'late'").len(), 1);
    let ended = following.terminate().expect(3);
    assert!(
        ended.stderr.contains("cannot read anything from AWS"),
        "{}",
        ended.stderr
    );
}
