//! The router without sockets, over the store of a small demo.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use chrono::{DateTime, Duration, Utc};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use podtrail_ingest::inventory;
use podtrail_ingest::source::local::LocalFiles;
use podtrail_ingest::store::Store;
use podtrail_query::{Bounds, Engine, Executor, Limits};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::demo::{DemoOptions, FolderOutput, generate};
use crate::serve::routes::Page;
use crate::serve::rows::*;
use crate::serve::schedule::Schedules;
use crate::serve::served::Served;

struct Nothing;

impl podtrail_ingest::Progress for Nothing {}

fn clock() -> i64 {
    0
}

/// Makes the store of a demo of six hours.
async fn demo(folder: &Path) -> Store {
    let options = DemoOptions {
        seed: 1,
        end: "2026-05-02T00:00:00Z".parse().unwrap(),
        duration: Duration::hours(6),
        clusters: 1,
        events: None,
        records_per_file: None,
        inventory_every: Some(Duration::hours(1)),
        longer: None,
    };
    let mut out = FolderOutput::create(folder).unwrap();
    generate(&options, &mut out).unwrap();
    out.finish().unwrap();
    let store = Store::folder(&folder.join("store"), true).unwrap();
    let trail = LocalFiles::new(&folder.join("trail").to_string_lossy(), None).unwrap();
    let options = podtrail_ingest::Options::new(2, clock);
    podtrail_ingest::run(&store, Arc::new(trail), options, &Nothing)
        .await
        .unwrap();
    let options = inventory::Options::default();
    inventory::import_into(&store, vec![folder.join("inventory")], options)
        .await
        .unwrap();
    store
}

/// A service on that store.
struct Service {
    router: Router,
    served: Arc<Served>,
    _folder: tempfile::TempDir,
}

impl Service {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = demo(folder.path()).await;
        let engine = Engine::new(store, &Limits::new(2)).unwrap();
        let queries = Arc::clone(engine.queries());
        let served = Arc::new(Served::open(engine, Utc::now).await.unwrap());
        let handle = tokio::runtime::Handle::current();
        let state = State {
            served: Arc::clone(&served),
            remembered: Arc::default(),
            reports: Executor::new(handle.clone(), Bounds::default(), None, Utc::now),
            sql: Executor::new(handle, Bounds::default(), Some(queries), Utc::now),
            schedules: Arc::new(Schedules::default()),
            metrics: None,
            clock: Utc::now,
        };
        let router = router(state, &Access::Loopback, &HttpLimits::default(), false);
        Self {
            router,
            served,
            _folder: folder,
        }
    }

    async fn answer(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap();
        (status, body.to_bytes().to_vec())
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::get(path).header("host", "localhost");
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    #[track_caller]
    fn read<T: DeserializeOwned>(path: &str, (status, body): (StatusCode, Vec<u8>)) -> T {
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Reads a list into the type that its description names, and gives its rows.
    async fn rows<T: DeserializeOwned>(&self, name: &str) -> Vec<T> {
        let path = format!("/api/v1/{name}");
        let page: Page<T> = Self::read(&path, self.get(&path).await);
        assert!(!page.items.is_empty(), "{path} is empty");
        assert_eq!(page.meta.snapshot["events"], 1, "{path}");
        page.items
    }

    async fn object(&self, path: &str) -> Value {
        Self::read(path, self.get(path).await)
    }
}

/// Reads every row of a member into its type.
#[track_caller]
fn typed<T: DeserializeOwned>(object: &Value, member: &str) -> Vec<T> {
    let rows = object[member].as_array().unwrap();
    rows.iter()
        .map(|row| {
            serde_json::from_value(row.clone())
                .unwrap_or_else(|error| panic!("{member}: {error}: {row}"))
        })
        .collect()
}

async fn hours_of_fallbacks_add_up(service: &Service, fallbacks: Vec<FallbackRow>) {
    for row in fallbacks {
        let fallback = service
            .object(&format!("/api/v1/fallbacks/{}", row.id))
            .await;
        let hours: Vec<FallbackHour> = typed(&fallback, "hours");
        assert_eq!(
            row.calls,
            Some(hours.iter().filter_map(|hour| hour.calls).sum::<i64>())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_of_the_type_that_is_described() {
    let service = Service::start().await;
    let fallbacks: Vec<FallbackRow> = service.rows("fallbacks").await;
    service.rows::<ReadinessRow>("readiness").await;
    let workloads: Vec<WorkloadRow> = service.rows("workloads").await;
    service.rows::<RoleRow>("roles").await;
    let nodes: Vec<NodeRow> = service.rows("nodes").await;
    let events: Vec<EventRow> = service.rows("events").await;
    service.rows::<CoverageRow>("coverage").await;
    service.rows::<TimelineRow>("timeline").await;

    let id = &fallbacks[0].id;
    let one = service.object(&format!("/api/v1/fallbacks/{id}")).await;
    let one: FallbackRow = serde_json::from_value(one["item"].clone()).unwrap();
    assert_eq!(one, fallbacks[0]);

    let row = workloads.iter().find(|row| row.calls > Some(0)).unwrap();
    let path = format!(
        "/api/v1/workloads/{}/{}/{}",
        row.cluster.as_deref().unwrap(),
        row.namespace.as_deref().unwrap(),
        row.service_account.as_deref().unwrap()
    );
    let workload = service.object(&path).await;
    let roles: Vec<WorkloadRow> = typed(&workload, "roles");
    assert!(roles.contains(row));
    let actions: Vec<WorkloadAction> = typed(&workload, "actions");
    let calls: i64 = actions.iter().filter_map(|action| action.calls).sum();
    assert_eq!(
        calls,
        roles.iter().filter_map(|role| role.calls).sum::<i64>()
    );
    let hours: Vec<WorkloadHour> = typed(&workload, "hours");
    assert_eq!(
        calls,
        hours.iter().filter_map(|hour| hour.calls).sum::<i64>()
    );
    typed::<RoleChain>(&workload, "chains");
    typed::<WorkloadPod>(&workload, "pods");
    typed::<FallbackRow>(&workload, "fallbacks");
    let policy: policy::PolicyAnswer =
        serde_json::from_value(service.object(&format!("{path}/policy")).await).unwrap();
    assert!(!policy.notes.is_empty());
    for role in &policy.granted {
        assert!(role.observed_at.is_some() || role.policies.is_empty());
        assert_eq!(role.allowed_elsewhere, [""; 0], "{}", role.role_arn);
    }

    hours_of_fallbacks_add_up(&service, fallbacks).await;

    let node = nodes.iter().find(|row| row.calls > Some(0)).unwrap();
    let path = format!("/api/v1/nodes/{}", node.node.as_deref().unwrap());
    let node = service.object(&path).await;
    assert!(!typed::<NodeRow>(&node, "roles").is_empty());
    let actions: Vec<NodeAction> = typed(&node, "actions");
    let hours: Vec<NodeHour> = typed(&node, "hours");
    assert!(!actions.is_empty());
    assert_eq!(
        actions.iter().filter_map(|row| row.calls).sum::<i64>(),
        hours.iter().filter_map(|row| row.calls).sum::<i64>()
    );
    assert!(!typed::<NodePod>(&node, "pods").is_empty());

    let session: session::Session =
        serde_json::from_value(service.object("/api/v1/session").await).unwrap();
    assert_eq!(session.name, None);

    let ingestion = service.object("/api/v1/ingestion").await;
    assert!(!typed::<IngestionRow>(&ingestion, "sources").is_empty());
    typed::<RejectRow>(&ingestion, "rejects");
    assert_eq!(
        typed::<BatchRow>(&ingestion, "batches")
            .iter()
            .map(|row| row.objects)
            .sum::<i64>(),
        typed::<IngestionRow>(&ingestion, "sources")
            .iter()
            .map(|row| row.objects)
            .sum::<i64>()
    );

    for subject in [
        events[0].event_id.clone().unwrap(),
        events
            .iter()
            .find_map(|row| row.access_key_id.clone())
            .unwrap(),
        format!(
            "{}/{}/{}",
            row.cluster.as_deref().unwrap(),
            row.namespace.as_deref().unwrap(),
            row.service_account.as_deref().unwrap()
        ),
    ] {
        let told = service.object(&format!("/api/v1/explain/{subject}")).await;
        let told: explain::Explanation = serde_json::from_value(told).unwrap();
        assert!(!told.verdict.is_empty());
        assert_eq!(told.event.is_some(), told.sections.is_none(), "{subject}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_not_is_not_found() {
    let service = Service::start().await;
    for path in [
        "fallbacks/none",
        "workloads/a/b/c",
        "nodes/i-0",
        "explain/none",
        "reports/none",
    ] {
        let (status, _) = service.get(&format!("/api/v1/{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_counted_once() {
    let service = Service::start().await;
    let summary = service.object("/api/v1/summary").await;
    let shares: Vec<Share> = typed(&summary, "shares");
    let unattributed: Vec<Unattributed> = typed(&summary, "unattributed");
    typed::<FallbackRow>(&summary, "fallbacks");
    typed::<ReadinessRow>(&summary, "readiness");
    let coverage: Vec<CoverageRow> = typed(&summary, "coverage");
    let attributed: i64 = shares.iter().filter_map(|row| row.calls).sum();
    let nobodys: i64 = unattributed.iter().filter_map(|row| row.calls).sum();
    let events_in_store: i64 = coverage.iter().filter_map(|row| row.events).sum();
    // Every call is somebody's or nobody's, once.
    assert_eq!(summary["calls"], json!(events_in_store));
    assert_eq!(attributed + nobodys, events_in_store);
    assert_eq!(summary["attributed_calls"], json!(attributed));
    let flows: Vec<FlowRow> = service.rows("flows?limit=1000").await;
    // Every call of a workload is in a flow, also where nobody knows which workload.
    let workloads = shares
        .iter()
        .filter(|row| row.actor.as_deref() == Some("workload"));
    assert_eq!(
        flows.iter().filter_map(|row| row.calls).sum::<i64>(),
        workloads.filter_map(|row| row.calls).sum::<i64>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_resource_is_the_dashboard_or_nothing() {
    let service = Service::start().await;
    for (path, wanted) in [
        ("/", StatusCode::OK),
        ("/workloads", StatusCode::OK),
        ("/docs", StatusCode::OK),
        ("/openapi.json", StatusCode::OK),
        ("/api/v1/nothing", StatusCode::NOT_FOUND),
        ("/api/v1/workloads/only/two", StatusCode::NOT_FOUND),
        ("/docs/", StatusCode::NOT_FOUND),
        ("/assets/nothing.js", StatusCode::NOT_FOUND),
    ] {
        let (status, _) = service.get(path).await;
        assert_eq!(status, wanted, "{path}");
    }
    let request = Request::post("/workloads").header("host", "localhost");
    let (status, _) = service.answer(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_chained_to_the_role_that_assumed_them() {
    let service = Service::start().await;
    let path = "/api/v1/workloads/myeks/shop/stock-sync";
    let chains: Vec<RoleChain> = typed(&service.object(path).await, "chains");
    let first = chains.iter().find(|row| row.hops == Some(0)).unwrap();
    assert_eq!(first.parent_role_arn, None);
    let second = chains.iter().find(|row| row.hops == Some(1)).unwrap();
    assert_eq!(second.parent_role_arn, first.role_arn);
    assert_ne!(second.role_arn, first.role_arn);
    assert_eq!(second.mechanism, first.mechanism);
    for row in &chains {
        assert!(
            row.sessions > 0 && row.first_seen <= row.last_seen,
            "{row:?}"
        );
    }

    let roles: Vec<WorkloadRow> = service.rows("workloads?limit=1000").await;
    let used: Vec<_> = roles
        .iter()
        .filter(|row| row.service_account.as_deref() == Some("stock-sync"))
        .map(|row| (&row.role_arn, row.hops))
        .collect();
    for row in &chains {
        assert!(
            used.contains(&(&row.role_arn, row.hops)),
            "{row:?}: {used:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_narrowed_to_a_node_and_an_actor() {
    let service = Service::start().await;
    let nodes: Vec<NodeRow> = service.rows("nodes").await;
    let node = nodes.iter().find(|row| row.node_agent_calls > Some(0));
    let node = node.unwrap();
    let name = node.node.as_deref().unwrap();
    let rows: Vec<TimelineRow> = service
        .rows(&format!(
            "timeline?node={name}&actor=node_agent&access_path=node_role"
        ))
        .await;
    let calls: i64 = rows.iter().filter_map(|row| row.calls).sum();
    assert_eq!(Some(calls), node.node_agent_calls);
    assert!(
        rows.iter()
            .all(|row| row.actor.as_deref() == Some("node_agent"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_service_changes_only_with_the_store() {
    let service = Service::start().await;
    assert!(!service.served.now().warm);
    service.served.refresh().await.unwrap();
    let first = service.served.now();
    assert!(first.warm);
    service.served.refresh().await.unwrap();
    assert!(Arc::ptr_eq(&first.session, &service.served.now().session));

    let store = service.served.engine().store();
    let folder = store.local_folder().unwrap();
    let away = folder.with_extension("away");
    std::fs::rename(&folder, &away).unwrap();
    service.served.refresh().await.unwrap_err();
    let stale = service.served.now();
    let since: DateTime<Utc> = stale.stale_since.unwrap();
    service.served.refresh().await.unwrap_err();
    assert_eq!(service.served.now().stale_since, Some(since));
    assert!(Arc::ptr_eq(&first.session, &stale.session));
    // What is kept needs no file.
    let told = service.object("/api/v1/fallbacks?limit=1").await;
    assert_eq!(told["items"].as_array().unwrap().len(), 1);
    assert!(told["stale_since"].is_string());
    let (status, body) = service.get("/readyz").await;
    let ready: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, &ready["status"]),
        (StatusCode::OK, &json!("stale"))
    );
    let (status, _) = service.get("/api/v1/events").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);

    std::fs::rename(&away, &folder).unwrap();
    service.served.refresh().await.unwrap();
    assert_eq!(service.served.now().stale_since, None);
    let (status, _) = service.get("/api/v1/events").await;
    assert_eq!(status, StatusCode::OK);
}

#[test]
fn the_description_is_the_one_that_was_agreed_on() {
    let described = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os("PODTRAIL_UPDATE_DOCS").is_some() {
        std::fs::write(&file, &described).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == described,
        "docs/openapi.json differs; if that is meant, write it with PODTRAIL_UPDATE_DOCS=1"
    );
}

#[test]
fn every_path_is_described_with_the_filters_it_takes() {
    let document = serde_json::to_value(document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let names: Vec<&String> = paths.keys().collect();
    assert_eq!(names.len(), 22, "{names:?}");
    let parameters = |path: &str| -> Vec<String> {
        let list = document["paths"][path]["get"]["parameters"].as_array();
        list.into_iter()
            .flatten()
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        parameters("/api/v1/readiness"),
        ["account", "cluster", "role_arn", "limit", "next_token"]
    );
    assert!(parameters("/api/v1/events").contains(&"event_source".to_owned()));
    assert!(!parameters("/api/v1/reports/{name}").contains(&"limit".to_owned()));
    let page = super::openapi_page::render(&super::document());
    for name in names {
        assert!(page.contains(name.as_str()), "{name}");
    }
    assert!(!page.contains("<script"));
}
