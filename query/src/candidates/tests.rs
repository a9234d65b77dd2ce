#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, TimeUnit};
use arrow::json::ReaderBuilder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CELL, identify, schema};

mod reasons;

/// Columns of the views that the search reads, in the order it reads them.
fn schemas() -> Vec<Schema> {
    let text = "cluster namespace service_account";
    let columns = [
        "activity_id pod pod_uid node source_ip_address".to_owned(),
        "activity_id cluster node component user_agent program event_source event_name resource invoked_by \
         source_ip_address vpc_endpoint? first_time@ last_time@ trail_begin@ trail_end@"
            .to_owned(),
        format!(
            "{text} pod pod_uid instance_id pod_ip injected skip_containers images labels workload host_network? \
             valid_from@ certain_to@ valid_to@ observed_at@"
        ),
        "instance_id private_ip most_hops#".to_owned(),
        "node".to_owned(),
        text.to_owned(),
        format!("{text} program"),
    ];
    let field = |column: &str| {
        let (kind, name) = match column.chars().last() {
            Some('?') => (DataType::Boolean, &column[..column.len() - 1]),
            Some('#') => (DataType::Int64, &column[..column.len() - 1]),
            Some('@') => (
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                &column[..column.len() - 1],
            ),
            _ => (DataType::Utf8, column),
        };
        Field::new(name, kind, true)
    };
    columns
        .iter()
        .map(|list| Schema::new(list.split_whitespace().map(field).collect::<Vec<_>>()))
        .collect()
}

/// What the search is given.
#[derive(Debug, Default, Clone)]
struct World {
    calls: Vec<Value>,
    pods: Vec<Value>,
    instances: Vec<Value>,
}

const NODE: &str = "i-0aaaaaaaaaaaaaaaa";
const HOURS: i64 = 24;

impl World {
    /// A pod that was on a node all the time.
    fn pod(&mut self, node: &str, workload: &str, more: Value) {
        let at = self.pods.len();
        let mut pod = json!({
            "cluster": "prod", "namespace": "shop", "service_account": workload, "workload": format!("Deployment/{workload}"),
            "pod": format!("{workload}-{at}"), "pod_uid": format!("uid-{at}"), "instance_id": node,
            "pod_ip": format!("10.0.0.{}", at + 10), "injected": "none", "images": "[]", "labels": "{}",
            "host_network": false, "valid_from": -CELL, "certain_to": HOURS * 12 * CELL, "observed_at": HOURS * 12 * CELL,
        });
        merge(&mut pod, more);
        self.pods.push(pod);
    }

    /// A call in a cell of time.
    fn call(&mut self, node: &str, cell: i64, more: Value) {
        let at = self.calls.len();
        let mut call = json!({
            "activity_id": format!("call-{at}"), "cluster": "prod", "node": node, "user_agent": "Boto3/1.34.0",
            "program": "Boto3", "event_source": "sqs.amazonaws.com", "event_name": "ListQueues",
            "source_ip_address": "203.0.113.10", "vpc_endpoint": false,
            "first_time": cell * CELL, "last_time": cell * CELL, "trail_begin": 0, "trail_end": HOURS * 12 * CELL,
        });
        merge(&mut call, more);
        self.calls.push(call);
    }

    /// The rows of the views.
    fn inputs(&self) -> Vec<Vec<RecordBatch>> {
        let rows = [
            &Vec::new(),
            &self.calls,
            &self.pods,
            &self.instances,
            &Vec::new(),
            &Vec::new(),
            &Vec::new(),
        ];
        schemas()
            .into_iter()
            .zip(rows)
            .map(|(schema, rows)| {
                let mut decoder = ReaderBuilder::new(Arc::new(schema))
                    .build_decoder()
                    .unwrap();
                decoder.serialize(rows).unwrap();
                decoder.flush().unwrap().into_iter().collect()
            })
            .collect()
    }

    fn identify(&self) -> BTreeMap<String, Row> {
        let found = plain(&identify(self.inputs(), 1).unwrap());
        // Whoever looks at which program.
        assert_eq!(found, plain(&identify(self.inputs(), 3).unwrap()));
        let text = |name: &str, row: usize| {
            let column = found.column_by_name(name).unwrap().as_string::<i32>();
            (!arrow::array::Array::is_null(column, row)).then(|| column.value(row).to_owned())
        };
        let scores = found.column_by_name("score").unwrap();
        (0..found.num_rows())
            .map(|row| {
                let candidates = text("candidates", row)
                    .map_or(Value::Null, |list| serde_json::from_str(&list).unwrap());
                let found = Row {
                    service_account: text("service_account", row),
                    pod: text("pod", row),
                    confidence: text("confidence", row).unwrap(),
                    fact: text("fact", row).unwrap(),
                    score: scores.as_primitive::<Float64Type>().value(row),
                    candidates,
                };
                (text("activity_id", row).unwrap(), found)
            })
            .collect()
    }
}

/// Rows in one batch, without dictionaries.
fn plain(batches: &[RecordBatch]) -> RecordBatch {
    let plain: Vec<RecordBatch> = batches
        .iter()
        .map(|batch| {
            let columns = batch
                .columns()
                .iter()
                .zip(schema().fields().clone().iter())
                .map(|(column, field)| cast(column, field.data_type()).unwrap())
                .collect();
            RecordBatch::try_new(schema(), columns).unwrap()
        })
        .collect();
    concat_batches(&schema(), &plain).unwrap()
}

/// Puts the members of one object over those of another.
fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

#[derive(Debug)]
struct Row {
    service_account: Option<String>,
    pod: Option<String>,
    confidence: String,
    fact: String,
    score: f64,
    candidates: Value,
}

impl Row {
    fn score_of(&self, service_account: &str) -> f64 {
        self.candidates
            .as_array()
            .unwrap()
            .iter()
            .filter(|candidate| candidate["service_account"] == service_account)
            .filter_map(|candidate| candidate["score"].as_f64())
            .sum()
    }

    /// What the reasons of a candidate are called.
    fn reasons_of(&self, service_account: &str) -> Vec<&str> {
        self.candidates
            .as_array()
            .unwrap()
            .iter()
            .filter(|candidate| candidate["service_account"] == service_account)
            .flat_map(|candidate| candidate["reasons"].as_array().unwrap())
            .filter_map(Value::as_str)
            .collect()
    }
}

#[test]
fn the_only_pod_is_inferred() {
    let mut world = World::default();
    world.pod(NODE, "cart", json!({}));
    world.call(NODE, 3, json!({}));
    let found = &world.identify()["call-0"];
    assert_eq!(found.service_account.as_deref(), Some("cart"));
    assert_eq!(found.pod.as_deref(), Some("cart-0"));
    assert_eq!(
        (found.confidence.as_str(), found.fact.as_str()),
        ("inferred", "only_candidate")
    );
}

#[test]
fn the_address_of_a_pod_is_exact() {
    let mut world = World::default();
    world.pod(NODE, "cart", json!({}));
    world.pod(NODE, "web", json!({}));
    world.call(
        NODE,
        3,
        json!({"source_ip_address": "10.0.0.11", "vpc_endpoint": true}),
    );
    let found = &world.identify()["call-0"];
    assert_eq!(found.service_account.as_deref(), Some("web"));
    assert_eq!(
        (found.confidence.as_str(), found.fact.as_str()),
        ("exact", "pod_address")
    );
    assert!((found.score - 1.0).abs() < 1e-9);
}

#[test]
fn the_address_of_the_node_through_an_interface_endpoint_is_the_host_network() {
    let mut world = World::default();
    world.pod(NODE, "cart", json!({}));
    world.pod(
        NODE,
        "agent",
        json!({"host_network": true, "pod_ip": "10.0.0.5"}),
    );
    world.call(
        NODE,
        3,
        json!({"source_ip_address": "10.0.0.5", "vpc_endpoint": true}),
    );
    let found = &world.identify()["call-0"];
    assert_eq!(found.service_account.as_deref(), Some("agent"));
    assert_eq!(found.confidence, "inferred");
}

#[test]
fn a_pod_with_working_credentials_leaves_the_other_as_the_only_one() {
    let mut world = World::default();
    world.pod(NODE, "cart", json!({}));
    world.pod(NODE, "web", json!({"injected": "irsa"}));
    world.call(NODE, 3, json!({}));
    let found = &world.identify()["call-0"];
    assert_eq!(found.service_account.as_deref(), Some("cart"));
    assert_eq!(found.confidence, "inferred", "{found:?}");
}

#[test]
fn nobody_on_the_node_is_nobody_named() {
    let mut world = World::default();
    world.pod("i-0bbbbbbbbbbbbbbbb", "cart", json!({}));
    world.call(NODE, 3, json!({}));
    assert!(world.identify().is_empty());
}

#[test]
fn presence_tells_workloads_apart() {
    let mut world = World::default();
    let nodes: Vec<String> = (0..6).map(|at| format!("i-0000000000000000{at}")).collect();
    // web is everywhere, cart on two nodes: calls come from those two only.
    for (at, node) in nodes.iter().enumerate() {
        world.pod(node, "web", json!({}));
        if at < 2 {
            world.pod(node, "cart", json!({}));
        }
    }
    for cell in 0..40 {
        for node in &nodes[..2] {
            world.call(node, cell, json!({}));
        }
    }
    for found in world.identify().values() {
        assert_eq!(found.service_account.as_deref(), Some("cart"));
        assert!(found.score > 0.9, "{found:?}");
    }
}

#[test]
fn what_a_service_forwards_is_whose_call_it_serves() {
    let mut world = World::default();
    world.pod(NODE, "cart", json!({}));
    world.pod(NODE, "web", json!({}));
    world.call(
        NODE,
        3,
        json!({"source_ip_address": "10.0.0.11", "event_source": "secretsmanager.amazonaws.com", "event_name": "GetSecretValue"}),
    );
    let forwarded = json!({
        "event_source": "kms.amazonaws.com", "event_name": "Decrypt", "invoked_by": "secretsmanager.amazonaws.com",
        "source_ip_address": "secretsmanager.amazonaws.com", "user_agent": "secretsmanager.amazonaws.com",
        "program": "secretsmanager.amazonaws.com",
    });
    world.call(NODE, 3, forwarded.clone());
    // Another moment: nothing tells whom it serves.
    world.call(NODE, 9, forwarded);
    let found = world.identify();
    assert_eq!(found["call-1"].service_account.as_deref(), Some("web"));
    assert_eq!(found["call-1"].confidence, "inferred");
    assert_eq!(found["call-1"].fact, "forwarded_for");
    assert_eq!(found["call-2"].confidence, "candidate");
}

#[test]
fn several_threads_tell_what_one_does() {
    let mut world = World::default();
    for (at, workload) in ["cart", "web", "jobs"].into_iter().enumerate() {
        world.pod(NODE, workload, json!({}));
        let program = format!("Program{at}");
        for cell in 0..10 {
            let cell = cell * (i64::try_from(at).unwrap() + 1);
            let call = json!({"program": program, "user_agent": program});
            world.call(NODE, cell, call);
        }
    }
    assert_eq!(world.identify().len(), 30);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Workloads that are always there together are equally likely, whatever their order, and no more is
    /// given out than there is.
    #[test]
    fn equals_are_equal(cells in prop::collection::vec(0..HOURS * 12, 1..60), alike in 2usize..5, turn in 0usize..5) {
        let mut world = World::default();
        let mut names: Vec<String> = (0..alike).map(|at| format!("workload{at}")).collect();
        names.rotate_left(turn % alike);
        for name in &names {
            world.pod(NODE, name, json!({}));
        }
        for cell in cells {
            world.call(NODE, cell, json!({}));
        }
        for found in world.identify().values() {
            let scores: Vec<f64> = names.iter().map(|name| found.score_of(name)).collect();
            for score in &scores {
                prop_assert!((score - scores[0]).abs() < 0.002, "{scores:?}");
            }
            prop_assert!(scores.iter().sum::<f64>() <= 1.0 + 0.001 * f64::from(u8::try_from(alike).unwrap()));
            prop_assert_eq!(&found.confidence, "candidate");
            prop_assert_eq!(&found.service_account, &None);
        }
    }

    /// Rows of views come in another order each time, and answers must not.
    #[test]
    fn the_order_of_rows_is_nothing(
        pods in prop::collection::vec((0usize..3, 0usize..5, 0..HOURS * 12, any::<bool>()), 1..20),
        calls in prop::collection::vec((0usize..3, 0..HOURS * 12, 0usize..3), 1..60),
        turn in 0usize..60,
    ) {
        let nodes = [NODE, "i-0bbbbbbbbbbbbbbbb", "i-0cccccccccccccccc"];
        let names = ["ListQueues", "SendMessage", "ReceiveMessage"];
        let mut world = World::default();
        for &(node, workload, end, cron) in &pods {
            let more = json!({"certain_to": end * CELL, "valid_to": (end + 2) * CELL});
            let name = format!("workload{workload}");
            world.pod(nodes[node], &name, more);
            if cron && let Some(pod) = world.pods.last_mut() {
                pod["workload"] = json!(format!("CronJob/{name}"));
            }
        }
        for &(node, cell, name) in &calls {
            world.call(nodes[node], cell, json!({"event_name": names[name]}));
        }
        let one = world.identify();
        world.pods.rotate_left(turn % pods.len());
        world.calls.reverse();
        world.calls.rotate_left(turn % calls.len());
        let other = world.identify();
        prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }
}

#[test]
fn a_pod_that_nobody_saw_made_the_calls_where_no_other_could() {
    let mut world = World::default();
    // Seen once on another node; on this one there is but a pod that has credentials of its own.
    let cron = json!({"workload": "CronJob/report", "certain_to": 2 * CELL, "valid_to": 3 * CELL, "observed_at": 0});
    world.pod("i-0bbbbbbbbbbbbbbbb", "report", cron);
    world.pod(
        NODE,
        "web",
        json!({"injected": "irsa", "images": "[\"fluent-bit:2\"]"}),
    );
    for cell in 10..14 {
        world.call(NODE, cell, json!({}));
    }
    let found = world.identify();
    assert_eq!(found.len(), 4);
    for found in found.values() {
        let reasons = found.reasons_of("report");
        assert!(reasons[0].starts_with("unseen"), "{found:?}");
        assert_eq!(
            found.service_account.as_deref(),
            Some("report"),
            "{found:?}"
        );
        assert_eq!(found.pod, None);
    }
}

#[test]
fn texts_are_read_however_columns_hold_them() {
    let mut world = World::default();
    world.pod(NODE, "cart", json!({}));
    world.pod(
        NODE,
        "web",
        json!({"service_account": null, "workload": null}),
    );
    for cell in 0..6 {
        world.call(NODE, cell, json!({"source_ip_address": "10.0.0.11"}));
        world.call(
            NODE,
            cell,
            json!({"resource": "cart-data", "program": null}),
        );
    }
    let expected = plain(&identify(world.inputs(), 1).unwrap());
    let words = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
    for kind in [DataType::Utf8View, DataType::LargeUtf8, words] {
        let inputs = world.inputs().into_iter().map(|batches| {
            let batches = batches.iter().map(|batch| with_texts(batch, &kind));
            batches.collect()
        });
        let found = plain(&identify(inputs.collect(), 2).unwrap());
        assert_eq!(found, expected, "{kind}");
    }
}

/// A batch with its texts in another form.
fn with_texts(batch: &RecordBatch, kind: &DataType) -> RecordBatch {
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8 => cast(column, kind).unwrap(),
            _ => Arc::clone(column),
        })
        .collect();
    let named = batch.schema();
    let names = named.fields().iter().map(|field| field.name().as_str());
    RecordBatch::try_from_iter_with_nullable(
        names
            .zip(columns)
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

#[test]
fn what_is_told_of_many_calls_is_held_once() {
    let mut world = World::default();
    world.pod(NODE, "cart", json!({}));
    world.pod(NODE, "web", json!({}));
    for cell in 0..200 {
        world.call(NODE, cell, json!({}));
    }
    let found = identify(world.inputs(), 1).unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 200);
    let candidates = found[0].column_by_name("candidates").unwrap();
    assert_eq!(candidates.as_any_dictionary().values().len(), 1);
}
