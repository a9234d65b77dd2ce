//! Watches: what is told, what is not told again, and what a watch survives.

use std::io;
use std::sync::Arc;

use hyper::body::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::*;
use crate::collect::testing::observations;
use crate::collect::{Document, Found, Warning};

type Chunks = mpsc::UnboundedSender<io::Result<Bytes>>;

/// A watch that the server has open.
struct Open {
    path: String,
    version: String,
    chunks: Chunks,
}

impl Open {
    fn send(&self, text: &str) {
        self.chunks.send(Ok(Bytes::from(text.to_owned()))).unwrap();
    }

    fn event(&self, kind: &str, object: &Value) {
        self.send(&format!("{}\n", json!({"type": kind, "object": object})));
    }

    fn break_off(self) {
        let _ = self.chunks.send(Err(io::Error::other("reset")));
    }
}

/// A cluster whose watches the test plays.
struct Play {
    server: Server,
    opened: mpsc::UnboundedReceiver<Open>,
    /// Watches of resources that the test does not look at.
    others: Vec<Open>,
    found: mpsc::Receiver<Found>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), Error>>,
}

fn options() -> Follow {
    Follow {
        batch_changes: 1,
        list_gap: Duration::from_hours(1),
        retry_after: Duration::from_millis(1),
        ..Follow::default()
    }
}

/// A cluster that answers as `special` says, else as [`cluster`].
async fn play(
    options: Follow,
    special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> Play {
    let (opening, opened) = mpsc::unbounded_channel();
    let server = Server::start(move |request| {
        if let Some(reply) = special(request) {
            return reply;
        }
        if request.member("watch").is_none() || request.path.starts_with("/apis/") {
            return cluster(request);
        }
        assert_eq!(
            request.member("allowWatchBookmarks").as_deref(),
            Some("true")
        );
        let (chunks, receiver) = mpsc::unbounded_channel();
        let open = Open {
            path: request.path.clone(),
            version: request.member("resourceVersion").unwrap(),
            chunks,
        };
        let _ = opening.send(open);
        Reply::Stream(receiver)
    })
    .await;
    let connection = connection(&server).await;
    let (out, found) = output();
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(async move { connection.follow(&options, &out, stopped).await });
    Play {
        server,
        opened,
        others: Vec::new(),
        found,
        stop,
        task,
    }
}

impl Play {
    /// The next watch of a resource that is opened.
    async fn watch(&mut self, path: &str) -> Open {
        if let Some(at) = self.others.iter().position(|open| open.path == path) {
            return self.others.remove(at);
        }
        loop {
            let open = self.opened.recv().await.unwrap();
            if open.path == path {
                return open;
            }
            self.others.push(open);
        }
    }

    async fn document(&mut self, from: &str) -> Document {
        loop {
            match self.found.recv().await.unwrap() {
                Found::Documents(documents) => {
                    let mut of = documents.into_iter().filter(|each| each.from == from);
                    if let Some(document) = of.next() {
                        assert!(of.next().is_none());
                        return document;
                    }
                }
                Found::Warning(warning) => panic!("{warning}"),
            }
        }
    }

    async fn warning(&mut self) -> Warning {
        loop {
            if let Found::Warning(warning) = self.found.recv().await.unwrap() {
                return warning;
            }
        }
    }

    /// Ends the collector; what it had still to tell.
    async fn end(self) -> Vec<Found> {
        self.stop.send(true).unwrap();
        self.task.await.unwrap().unwrap();
        let (mut found, mut rest) = (self.found, Vec::new());
        while let Some(each) = found.recv().await {
            rest.push(each);
        }
        rest
    }
}

fn pod_at(name: &str, version: &str, address: &str) -> Value {
    let mut pod = pod(name);
    pod["metadata"]["resourceVersion"] = json!(version);
    pod["status"]["podIP"] = json!(address);
    pod
}

const PODS_WATCH: &str = "kubernetes pods watch";

#[tokio::test]
async fn changes_are_told_once_and_an_end_with_its_time() {
    let mut play = play(options(), |_| None).await;
    let listed = play.document("kubernetes pods").await;
    assert_eq!(observations(&listed).len(), 3);
    let watch = play.watch("/api/v1/pods").await;
    assert_eq!(watch.version, "100");

    watch.event("ADDED", &pod_at("c", "101", ""));
    let added = play.document(PODS_WATCH).await;
    assert_eq!(added.value().unwrap()["type"], "ADDED");
    assert_eq!(
        added.cluster.as_deref(),
        Some("arn:aws:eks:eu-west-1:111122223333:cluster/prod")
    );

    // Only a condition changed, which nobody reads.
    let mut same = pod_at("c", "102", "");
    same["status"]["conditions"] = json!([{"type": "Ready"}]);
    watch.event("MODIFIED", &same);
    // As listed.
    watch.event("MODIFIED", &pod_at("a", "103", "10.0.0.5"));
    watch.event("MODIFIED", &pod_at("c", "104", "10.0.0.9"));
    let changed = play.document(PODS_WATCH).await;
    let [changed] = observations(&changed).try_into().unwrap();
    assert_eq!(
        (changed.name.as_str(), &changed.attributes["pod_ip"]),
        ("c", &json!("10.0.0.9"))
    );
    assert_eq!(changed.valid_to, None);

    watch.event("DELETED", &pod_at("c", "105", "10.0.0.9"));
    let deleted = play.document(PODS_WATCH).await;
    let [deleted] = observations(&deleted).try_into().unwrap();
    assert_eq!((deleted.name.as_str(), deleted.valid_to), ("c", Some(AT)));
    assert_eq!(deleted.attributes["pod_ip"], "10.0.0.9");
    assert!(play.end().await.is_empty());
}

#[tokio::test]
async fn a_watch_goes_on_where_it_was_cut() {
    let mut play = play(options(), |_| None).await;
    let first = play.watch("/api/v1/pods").await;
    first.event(
        "BOOKMARK",
        &json!({"kind": "Pod", "metadata": {"resourceVersion": "140"}}),
    );
    first.event("ADDED", &pod_at("c", "150", ""));
    play.document(PODS_WATCH).await;
    // In the middle of an event.
    first.send(r#"{"type":"ADDED","object":{"metadata":{"na"#);
    first.break_off();

    let second = play.watch("/api/v1/pods").await;
    assert_eq!(second.version, "150");
    // Events may be cut anywhere on their way, and several come at once.
    let lines = format!(
        "{}\n{}\n",
        json!({"type": "ADDED", "object": pod_at("d", "151", "")}),
        json!({"type": "ADDED", "object": pod_at("e", "152", "")})
    );
    let (before, after) = lines.split_at(40);
    second.send(before);
    second.send(after);
    for name in ["d", "e"] {
        let document = play.document(PODS_WATCH).await;
        assert_eq!(observations(&document)[0].name, name);
    }
    // The server ends a watch in good order.
    drop(second);
    assert_eq!(play.watch("/api/v1/pods").await.version, "152");
    let lists =
        |request: &&Request| request.path == "/api/v1/pods" && request.member("watch").is_none();
    assert_eq!(play.server.requests().iter().filter(lists).count(), 1);
}

#[tokio::test]
async fn an_expired_version_is_answered_by_a_new_list() {
    // As an event of the watch.
    let mut play = play(options(), |_| None).await;
    play.document("kubernetes pods").await;
    let watch = play.watch("/api/v1/pods").await;
    watch.event(
        "ERROR",
        &status_value(410, "too old resource version: 100 (200)"),
    );
    let listed = play.document("kubernetes pods").await;
    assert!(names(&observations(&listed), Kind::Listing).contains(&"pod"));
    assert_eq!(play.watch("/api/v1/pods").await.version, "100");
}

#[tokio::test]
async fn a_version_refused_at_once_is_answered_by_a_new_list() {
    let refused = Arc::new(Mutex::new(3));
    let mut play = play(options(), move |request| {
        let mut left = refused.lock().unwrap();
        if request.path != "/api/v1/pods" || request.member("watch").is_none() || *left == 0 {
            return None;
        }
        *left -= 1;
        Some(status(410, "too old resource version"))
    })
    .await;
    for _ in 0..4 {
        play.document("kubernetes pods").await;
    }
    assert_eq!(play.watch("/api/v1/pods").await.version, "100");
}

#[tokio::test]
async fn other_errors_in_the_stream_do_not_lose_the_place() {
    let mut play = play(options(), |_| None).await;
    let watch = play.watch("/api/v1/pods").await;
    watch.event("BOOKMARK", &json!({"metadata": {"resourceVersion": "120"}}));
    watch.event(
        "ERROR",
        &status_value(500, "etcd event received with PrevKv=nil"),
    );
    assert_eq!(play.watch("/api/v1/pods").await.version, "120");
    // An event that cannot be read is passed by a list.
    let watch = play.watch("/api/v1/nodes").await;
    play.document("kubernetes nodes").await;
    watch.send("{\"type\":\"ADDED\"}\n");
    play.document("kubernetes nodes").await;
}

#[tokio::test]
async fn a_silent_watch_is_opened_again() {
    let silent = Follow {
        idle: Duration::from_millis(5),
        ..options()
    };
    let mut play = play(silent, |_| None).await;
    let first = play.watch("/api/v1/pods").await;
    let second = play.watch("/api/v1/pods").await;
    assert_eq!(
        (first.version, second.version),
        ("100".to_owned(), "100".to_owned())
    );
}

#[tokio::test]
async fn a_listing_from_time_to_time_runs_beside_the_watch() {
    let often = Follow {
        list_every: Duration::from_millis(5),
        ..options()
    };
    let mut play = play(often, |_| None).await;
    let watch = play.watch("/api/v1/pods").await;
    for _ in 0..3 {
        play.document("kubernetes pods").await;
    }
    watch.event("ADDED", &pod_at("c", "101", ""));
    play.document(PODS_WATCH).await;
    let watches =
        |request: &&Request| request.path == "/api/v1/pods" && request.member("watch").is_some();
    assert_eq!(play.server.requests().iter().filter(watches).count(), 1);
}

#[tokio::test]
async fn a_deleted_node_asks_for_a_listing() {
    let soon = Follow {
        list_gap: Duration::ZERO,
        ..options()
    };
    let mut play = play(soon, |_| None).await;
    play.document("kubernetes nodes").await;
    let watch = play.watch("/api/v1/nodes").await;
    watch.event("DELETED", &node("n2"));
    let deleted = play.document("kubernetes nodes watch").await;
    assert_eq!(deleted.value().unwrap()["type"], "DELETED");
    let listed = play.document("kubernetes nodes").await;
    assert!(names(&observations(&listed), Kind::Listing).contains(&"node"));
}

#[tokio::test]
async fn a_list_of_service_accounts_names_their_roles() {
    let mut play = play(options(), |_| None).await;
    let mut seen = Seen::default();
    seen.see_change(&play.document("kubernetes serviceaccounts").await);
    let role = "arn:aws:iam::111122223333:role/web".to_owned();
    assert_eq!(seen.role_arns, BTreeSet::from([role]));
}

#[tokio::test]
async fn a_list_of_nodes_after_an_expiry_names_the_instances_that_are_there() {
    let lists = Mutex::new(0);
    let mut play = play(options(), move |request| {
        if request.path != "/api/v1/nodes" || request.member("watch").is_some() {
            return None;
        }
        let mut count = lists.lock().unwrap();
        *count += 1;
        let mut node = node("n1");
        node["spec"]["providerID"] = json!(format!("aws:///eu-west-1a/i-0{}", *count));
        Some(list("100", "", &[node]))
    })
    .await;
    let mut seen = Seen::default();
    seen.see_change(&play.document("kubernetes nodes").await);
    assert_eq!(seen.instance_ids, BTreeSet::from(["i-01".to_owned()]));
    let watch = play.watch("/api/v1/nodes").await;
    let expired = status_value(410, "too old resource version: 100 (200)");
    watch.event("ERROR", &expired);
    seen.see_change(&play.document("kubernetes nodes").await);
    assert_eq!(seen.instance_ids, BTreeSet::from(["i-02".to_owned()]));
}

#[tokio::test]
async fn a_refusal_is_told_once_and_ends_when_the_permission_comes() {
    let refusals = Arc::new(Mutex::new(10));
    let mut play = play(options(), move |request| {
        let mut left = refusals.lock().unwrap();
        if request.path != "/api/v1/nodes" || *left == 0 {
            return None;
        }
        *left -= 1;
        Some(status(403, "nodes is forbidden"))
    })
    .await;
    let warning = play.warning().await;
    assert_eq!(
        (warning.reason, warning.call.as_str()),
        (Reason::Denied, "kubernetes nodes")
    );
    // No further warning comes before the list.
    play.document("kubernetes nodes").await;
    play.watch("/api/v1/pods").await;
}

#[tokio::test]
async fn changes_come_in_batches_and_the_last_ones_at_the_end() {
    let four = Follow {
        batch_changes: 4,
        batch_every: Duration::from_hours(1),
        ..options()
    };
    let mut play = play(four, |_| None).await;
    let watch = play.watch("/api/v1/pods").await;
    // The three lists and aws-auth.
    let Found::Documents(lists) = play.found.recv().await.unwrap() else {
        panic!("no documents");
    };
    assert_eq!(lists.len(), 4);
    for at in 1..=5 {
        watch.event(
            "ADDED",
            &pod_at(&format!("new-{at}"), &format!("10{at}"), ""),
        );
    }
    let Found::Documents(changes) = play.found.recv().await.unwrap() else {
        panic!("no documents");
    };
    let name = |document: &Document| observations(document)[0].name.clone();
    let told: Vec<String> = changes.iter().map(name).collect();
    assert_eq!(told, ["new-1", "new-2", "new-3", "new-4"]);
    // The fifth is on its way: it is there when the watch that follows it is opened.
    drop(watch);
    assert_eq!(play.watch("/api/v1/pods").await.version, "105");
    let rest = play.end().await;
    let [Found::Documents(rest)] = rest.as_slice() else {
        panic!("{rest:?}");
    };
    assert_eq!(rest.iter().map(name).collect::<Vec<_>>(), ["new-5"]);
}

#[tokio::test]
async fn a_receiver_that_is_gone_ends_it() {
    let play = play(options(), |_| None).await;
    drop(play.found);
    let result = play.task.await.unwrap();
    assert!(matches!(result, Err(Error::Closed(_))), "{result:?}");
}
