//! Every scenario of `scenarios/` ingested in process, and what `attribution` says of it.
//!
//! A scenario is a folder with `records.json` (made up, true to the shape of CloudTrail's records),
//! `attribution.snap`, and where it has one, `inventory/` with what kubectl and the AWS CLI print (and `kubectl/`, see `import`). Each is ingested in three orders of arrival, which must give the same rows, and
//! the rows by event must agree with the rows by activity.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::stream::BoxStream;
use podtrail_ingest::source::{Body, ObjectRef, Source};
use podtrail_ingest::store::Store;
use podtrail_query::policy::{self, of_workload};
use podtrail_query::{Engine, Limits, Session};
use serde_json::{Value, json};

/// Columns of a snapshot; a column without a value is left out.
const SHOWN: &str = "event_id, access_path, actor, component, cluster, namespace, service_account, pod, \
    pod_uid, node, hops, confidence, score, role_arn, evidence";

/// Columns that activities and events must give the same sums for.
const SUMMED: [&str; 7] = [
    "access_path",
    "actor",
    "cluster",
    "namespace",
    "service_account",
    "role_arn",
    "confidence",
];

/// When records and inventory are read, in microseconds since the epoch.
const NOW: i64 = 1_790_000_000_000_000;

/// Columns of `fallbacks` in a snapshot of a scenario with inventory.
const SHOWN_FALLBACKS: &str = "cluster, namespace, service_account, workload, pods, confidence, score, cause, calls, denied, \
    actions, evidence";

/// Objects in memory.
#[derive(Debug)]
struct Objects(Vec<String>);

#[async_trait::async_trait]
impl Source for Objects {
    fn id(&self) -> &'static str {
        "scenario"
    }

    fn location(&self) -> &'static str {
        "scenario"
    }

    fn list(&self) -> BoxStream<'static, podtrail_ingest::Result<ObjectRef>> {
        let objects: Vec<_> = self
            .0
            .iter()
            .enumerate()
            .map(|(number, text)| {
                Ok(ObjectRef {
                    key: format!("object-{number:04}"),
                    etag: "1".to_owned(),
                    size: text.len() as u64,
                })
            })
            .collect();
        Box::pin(futures::stream::iter(objects))
    }

    async fn read(&self, object: &ObjectRef) -> std::io::Result<Body> {
        let number: usize = object.key["object-".len()..].parse().unwrap();
        Ok(Box::new(Cursor::new(self.0[number].clone())))
    }
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/scenarios")
        .join(name)
}

fn object(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// Imports the inventory of a scenario, if it has one. What lies in the folder `kubectl` beside it is imported with a cluster's name
/// alone.
async fn import(store: &Store, inventory: &Path) -> bool {
    if !inventory.is_dir() {
        return false;
    }
    let options = podtrail_ingest::inventory::Options {
        // Where a file's name has no time, its own would differ from checkout to checkout.
        now: NOW,
        ..podtrail_ingest::inventory::Options::default()
    };
    let named = podtrail_ingest::inventory::Options {
        cluster: Some("payments".to_owned()),
        ..options.clone()
    };
    let printed = inventory.with_file_name("kubectl");
    for (folder, options) in [(inventory.to_owned(), options), (printed, named)] {
        if folder.is_dir() {
            let imported = podtrail_ingest::inventory::import_into(store, vec![folder], options)
                .await
                .unwrap();
            assert_eq!(imported.rejects, Vec::new());
        }
    }
    true
}

/// What attribution says of the records of some ingest runs, each with its objects. The inventory is imported
/// before them or after.
async fn attribution(runs: &[Vec<String>], inventory: &Path, inventory_first: bool) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let store = Store::folder(temporary.path(), true).unwrap();
    if inventory_first {
        import(&store, inventory).await;
    }
    let mut objects = Vec::new();
    for run in runs {
        objects.extend(run.iter().cloned());
        let source = Arc::new(Objects(objects.clone()));
        let options = podtrail_ingest::Options::new(1, || NOW);
        let summary = podtrail_ingest::run(&store, source, options, &())
            .await
            .unwrap();
        assert!(!summary.has_problems(), "{summary:?}");
        assert_eq!(summary.objects, run.len() as u64);
    }
    let with_inventory = import(&store, inventory).await;
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    let session = engine.session().await.unwrap();
    let query = format!("SELECT {SHOWN} FROM attribution ORDER BY event_id");
    let attributed = rows(&session, &query).await;
    // Rows of one order of arrival are rows of all.
    if !inventory_first {
        let query = "SELECT *, CAST(calls AS VARCHAR) AS number FROM activity_attribution";
        let activities = rows(&session, query).await;
        assert_eq!(
            sums(&attributed),
            sums(&activities),
            "by event, by activity"
        );
    }
    let events = rows(&session, "SELECT event_id FROM events ORDER BY event_id").await;
    let mut text = shown(&attributed, &events);
    if with_inventory {
        let query = format!(
            "SELECT {SHOWN_FALLBACKS} FROM fallbacks ORDER BY namespace, workload, actions, cluster"
        );
        for row in rows(&session, &query).await {
            text.push_str("fallback\n");
            show(&mut text, &row);
        }
        let query = "SELECT cluster, role_arn, hop_limit_1, breaks, host_network_workloads, not_observed FROM readiness ORDER BY role_arn";
        for row in rows(&session, query).await {
            text.push_str("readiness\n");
            show(&mut text, &row);
        }
    }
    text
}

/// Calls by the columns of [`SUMMED`].
fn sums(rows: &[Row]) -> BTreeMap<Vec<Option<&str>>, u64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let key = SUMMED.map(|name| value(row, name)).to_vec();
        let calls = value(row, "number").map_or(1, |number| number.parse().unwrap());
        *sums.entry(key).or_default() += calls;
    }
    sums
}

fn shown(attributed: &[Row], events: &[Row]) -> String {
    let mut out = String::new();
    for row in attributed {
        show(&mut out, row);
    }
    let known: BTreeSet<_> = attributed
        .iter()
        .map(|row| value(row, "event_id"))
        .collect();
    assert_eq!(known.len(), attributed.len(), "an event stands twice");
    for event in events {
        if !known.contains(&value(event, "event_id")) {
            writeln!(out, "{}\n    not attributed", event[0].1).unwrap();
        }
    }
    out
}

fn show(out: &mut String, row: &Row) {
    for (column, value) in row {
        match column.as_str() {
            "event_id" => writeln!(out, "{value}").unwrap(),
            "evidence" => {
                let facts: Vec<Value> = serde_json::from_str(value).unwrap();
                assert!(!facts.is_empty(), "no evidence");
                for fact in facts {
                    let text = |member: &str| fact[member].as_str().unwrap_or("-").to_owned();
                    let (kind, id, detail) = (text("fact"), text("event_id"), text("detail"));
                    writeln!(out, "    evidence {kind} [{id}] {detail}").unwrap();
                }
            }
            _ => writeln!(out, "    {column} = {value}").unwrap(),
        }
    }
}

/// Columns and their values.
type Row = Vec<(String, String)>;

fn value<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.iter()
        .find(|(column, _)| column == name)
        .map(|(_, value)| value.as_str())
}

/// The columns of each row that have a value.
async fn rows(session: &Session, query: &str) -> Vec<Row> {
    let batches: Vec<RecordBatch> = session.rows(query).await.unwrap();
    let options = FormatOptions::default();
    let mut all = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let values = batch
                .schema()
                .fields()
                .iter()
                .zip(batch.columns())
                .filter(|(_, column)| column.is_valid(row))
                .map(|(field, column)| {
                    let text = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
                    (field.name().clone(), text.value(row).to_string())
                })
                .collect();
            all.push(values);
        }
    }
    all
}

/// The same order for a name each time, unlike the one given.
fn shuffled(mut records: Vec<Value>, name: &str) -> Vec<Value> {
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    for at in (1..records.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        records.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
    }
    records
}

async fn check(name: &str) {
    let folder = folder(name);
    let text = std::fs::read_to_string(folder.join("records.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let records = file["Records"].as_array().unwrap().clone();
    let inventory = folder.join("inventory");
    let in_order = attribution(&[vec![object(&records)]], &inventory, false).await;

    let mut reversed = records.clone();
    reversed.reverse();
    let reversed = attribution(&[vec![object(&reversed)]], &inventory, true).await;
    assert_eq!(in_order, reversed, "in order, reversed");

    let files: Vec<String> = shuffled(records, name)
        .into_iter()
        .map(|record| object(&[record]))
        .collect();
    let (first, second) = files.split_at(files.len() / 2);
    let runs = [first.to_vec(), second.to_vec()];
    let in_two_runs = attribution(&runs, &inventory, true).await;
    assert_eq!(in_order, in_two_runs, "in order, shuffled over two runs");

    insta::with_settings!({
        snapshot_path => &folder,
        prepend_module_to_snapshot => false,
        omit_expression => true,
        description => file["About"].as_str().unwrap_or_default(),
    }, {
        insta::assert_snapshot!("attribution", in_order);
    });
}

/// Gives the roles that the policy of a workload lets it assume, from the records of a scenario.
async fn assumable(name: &str, cluster: &str, namespace: &str, account: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder(name).join("records.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let records = file["Records"].as_array().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let store = Store::folder(temporary.path(), true).unwrap();
    let source = Arc::new(Objects(vec![object(records)]));
    let options = podtrail_ingest::Options::new(1, || NOW);
    podtrail_ingest::run(&store, source, options, &())
        .await
        .unwrap();
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    let session = engine.session().await.unwrap();
    let options = policy::Options::default();
    let policy = of_workload(&session, cluster, namespace, account, options)
        .await
        .unwrap();
    let statements = policy
        .documents
        .iter()
        .flat_map(|document| document["Statement"].as_array().unwrap());
    let assuming = |statement: &&Value| {
        let actions = statement["Action"].as_array().unwrap();
        actions.iter().any(|action| action == "sts:AssumeRole")
    };
    let mut roles: Vec<String> = statements
        .filter(assuming)
        .flat_map(|statement| statement["Resource"].as_array().unwrap())
        .map(|resource| resource.as_str().unwrap().to_owned())
        .collect();
    roles.sort();
    roles
}

#[tokio::test]
async fn a_policy_has_the_roles_that_a_workload_assumes_and_not_what_eks_does_for_it() {
    let issuer = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";
    let target = "arn:aws:iam::444455556666:role/ledger-target";
    let hop = "arn:aws:iam::111122223333:role/team/hop-one";
    let other = "arn:aws:iam::444455556666:role/shared/reader";
    for (name, cluster, namespace, account, expected) in [
        ("chain_of_two", issuer, "reports", "reader", vec![hop]),
        ("chain_copy_alone", issuer, "reports", "reader", vec![other]),
        // With a target role, it is the first role that assumes it: EKS does it with the workload's session.
        (
            "pod_identity_target_role",
            "payments",
            "money",
            "ledger",
            vec![target],
        ),
        ("pod_identity", "payments", "money", "ledger", vec![]),
        // Where one cluster has the name, its ARN does as well.
        (
            "pod_identity",
            "arn:aws:eks:us-east-1:111122223333:cluster/payments",
            "money",
            "ledger",
            vec![],
        ),
    ] {
        let found = assumable(name, cluster, namespace, account).await;
        assert_eq!(found, expected, "{name}");
    }
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                check(stringify!($name)).await;
            }
        )*

        /// One scenario by name, of any folder: `SCENARIO=name cargo test …one_by_name`.
        #[tokio::test]
        async fn one_by_name() {
            if let Ok(name) = std::env::var("SCENARIO") {
                check(&name).await;
            }
        }

        #[test]
        fn every_folder_is_a_scenario() {
            let mut found: Vec<String> = std::fs::read_dir(folder(""))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            let mut named = vec![$(stringify!($name)),*];
            named.sort_unstable();
            assert_eq!(found, named);
        }
    };
}

scenarios!(
    auto_mode_node,
    aws_auth_node_role,
    chain_across_accounts,
    chain_copy_alone,
    chain_loops,
    chain_of_two,
    cluster_admin_roles,
    cluster_role,
    constant_session_name,
    ec2_pseudo_role,
    ecs_and_lambda,
    fallback_binding_gone,
    fallback_not_injected,
    fallback_refusal_mended,
    fallback_by_address,
    fallback_container_skipped,
    fallback_from_audit_log,
    fallback_host_network,
    fallback_missing_agent,
    fallback_no_binding,
    fallback_old_sdk,
    fallback_predates_binding,
    fallback_single_candidate,
    fallback_trust_denied,
    fallback_two_candidates,
    fargate_profile,
    forwarded_call,
    github_actions,
    google,
    hybrid_node,
    hybrid_node_roles_anywhere,
    image_credential_provider,
    irsa_binding_changed,
    irsa_cluster_name,
    irsa_denied,
    irsa_issuers,
    irsa_sole_binding,
    irsa_sole_of_another_cluster,
    irsa_wildcard_trust,
    karpenter_node,
    kiam,
    kiam_annotated,
    kube2iam,
    kube2iam_annotated,
    kubernetes_not_eks,
    namesakes,
    namesakes_unplaced,
    node_boot,
    node_role,
    node_role_by_kubelet,
    node_role_chain,
    node_role_of_two_clusters,
    node_role_without_inventory,
    node_that_shows_no_cluster,
    one_key_under_many_arns,
    people,
    plain_ec2,
    pod_address_reused,
    pod_address_taken_over,
    pod_identity,
    pod_identity_chain_unissued,
    pod_identity_target_role,
    pod_identity_target_role_external_id,
    pod_identity_transitive_tags,
    pod_identity_untagged_role_moved,
    pod_identity_untagged_with_association,
    pod_identity_without_tags,
    readiness_cluster_of_role,
    readiness_imds_v1,
    readiness_safe,
    secrets_encryption,
    service_linked_roles,
    session_older_than_trail,
    three_mints_in_a_second,
    two_equal_candidates_old_sdk,
    two_identities_fit,
);
