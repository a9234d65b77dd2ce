use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::{Value, json};

use super::*;

pub(super) const AT: i64 = 1_750_000_000_000_000;

/// Keeps what it is given.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub observations: Vec<Observation>,
    pub rejects: Vec<Reject>,
    pub summary: Summary,
}

impl Sink for Taken {
    fn observation(&mut self, _: &str, observation: Observation) -> io::Result<()> {
        self.observations.push(observation);
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> io::Result<()> {
        self.rejects.push(reject);
        Ok(())
    }
}

impl Taken {
    pub(super) fn of(&self, kind: Kind) -> Vec<&Observation> {
        let all = self.observations.iter();
        all.filter(|observation| observation.kind == kind).collect()
    }

    pub(super) fn one(&self, kind: Kind) -> &Observation {
        let found = self.of(kind);
        assert_eq!(found.len(), 1, "{kind:?} in {self:#?}");
        found[0]
    }

    pub(super) fn names(&self, kind: Kind) -> Vec<&str> {
        let all = self.of(kind).into_iter();
        all.map(|observation| observation.name.as_str()).collect()
    }

    pub(super) fn reasons(&self) -> Vec<&str> {
        self.rejects.iter().map(|reject| reject.reason).collect()
    }

    pub(super) fn skipped(&self, what: &str) -> u64 {
        self.summary.skipped.get(what).copied().unwrap_or_default()
    }
}

pub(super) fn context() -> FileContext {
    FileContext {
        file: "file.json".to_owned(),
        cluster: ClusterOf::Folder(Cluster {
            name: "prod".to_owned(),
            account_id: Some("111122223333".to_owned()),
            region: Some("eu-west-1".to_owned()),
        }),
        observed_at: AT,
        whole_lists: false,
    }
}

pub(super) fn take_in(context: &FileContext, bytes: &[u8]) -> Taken {
    let mut taken = Taken::default();
    let summary = parse(bytes, context, &mut taken).unwrap();
    taken.summary = summary;
    taken
}

pub(super) fn take(text: &str) -> Taken {
    take_in(&context(), text.as_bytes())
}

pub(super) fn take_json(value: &Value) -> Taken {
    let pretty = take(&serde_json::to_string_pretty(value).unwrap());
    let compact = take(&value.to_string());
    assert_eq!(pretty.observations, compact.observations);
    assert_eq!(pretty.summary, compact.summary);
    pretty
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn pod(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{name}"),
            "creationTimestamp": "2025-06-01T10:00:00Z"},
        "spec": {"containers": [{"name": "main", "image": "registry.example/app:1"}],
            "nodeName": "ip-10-0-1-2.eu-west-1.compute.internal", "serviceAccountName": "app"},
        "status": {"phase": "Running", "podIP": "10.0.1.20"},
    })
}

pub(super) fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
}

fn several_pods() -> String {
    let items: Vec<Value> = (0..6).map(|at| pod("shop", &format!("web-{at}"))).collect();
    serde_json::to_string_pretty(&list(&items)).unwrap()
}

#[test]
fn kinds_have_distinct_stable_names() {
    let names: std::collections::BTreeSet<&str> =
        Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
}

#[test]
fn a_list_of_several_kinds_gives_observations_listings_and_counts() {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}});
    let deployment =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}});
    let taken = take_json(&list(&[
        pod("a", "p1"),
        pod("b", "p2"),
        node,
        deployment.clone(),
        deployment,
    ]));
    assert_eq!(taken.names(Kind::Pod), ["p1", "p2"]);
    assert_eq!(taken.names(Kind::Node), ["n1"]);
    assert_eq!(
        taken.names(Kind::Listing),
        ["pod", "node"].iter().rev().copied().collect::<Vec<_>>()
    );
    assert_eq!(taken.skipped("Deployment"), 2);
    assert_eq!(taken.summary.listings, 2);
    assert_eq!(taken.summary.observations[&Kind::Pod], 2);
    assert!(taken.rejects.is_empty(), "{:?}", taken.rejects);
    let pods = taken.of(Kind::Listing)[1];
    assert_eq!(pods.cluster.as_deref(), Some("prod"));
    assert_eq!(pods.namespace, None);
    assert_eq!(
        pods.attributes,
        json!({"items": 2}).as_object().unwrap().clone()
    );
}

#[test]
fn a_list_of_all_namespaces_is_whole_where_it_shows_one_or_none() {
    let whole = FileContext {
        whole_lists: true,
        ..context()
    };
    // The kind stands before the items.
    let pods = |items: &[Value]| {
        let items = Value::from(items);
        format!(r#"{{"apiVersion":"v1","kind":"PodList","items":{items}}}"#)
    };
    for (items, count) in [(vec![pod("a", "p1")], 1), (vec![], 0)] {
        let taken = take_in(&whole, pods(&items).as_bytes());
        let listing = taken.one(Kind::Listing);
        assert_eq!(listing.name, "pod");
        assert_eq!(listing.cluster.as_deref(), Some("prod"));
        assert_eq!(listing.namespace, None);
        let expected = json!({"items": count});
        assert_eq!(listing.attributes, expected.as_object().unwrap().clone());
    }
    let saved = take_in(&context(), pods(&[]).as_bytes());
    assert!(saved.of(Kind::Listing).is_empty());
}

#[test]
fn a_list_of_one_namespace_is_partial() {
    let taken = take_json(&list(&[pod("a", "p1"), pod("a", "p2")]));
    let listing = taken.one(Kind::Listing);
    assert_eq!(listing.namespace.as_deref(), Some("a"));
    assert_eq!(listing.attributes["partial"], json!(true));
}

#[test]
fn what_may_be_missing_something_is_no_listing() {
    let mut paged = list(&[pod("a", "p1"), pod("b", "p2")]);
    paged["metadata"]["continue"] = json!("next");
    let mut broken = pod("a", "p3");
    broken["metadata"] = json!({"namespace": "a"});
    for value in [
        paged,
        list(&[pod("a", "p1"), broken]),
        list(&[]),
        pod("a", "p1"),
    ] {
        let taken = take_json(&value);
        assert!(taken.of(Kind::Listing).is_empty(), "{value}");
    }
}

#[test]
fn lists_of_the_api_leave_the_kind_to_the_list() {
    let mut item = pod("a", "p1");
    item.as_object_mut().unwrap().remove("kind");
    item.as_object_mut().unwrap().remove("apiVersion");
    let before =
        format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{}},"items":[{item}]}}"#);
    let behind =
        format!(r#"{{"apiVersion":"v1","items":[{item}],"kind":"PodList","metadata":{{}}}}"#);
    for text in [before, behind] {
        assert_eq!(take(&text).names(Kind::Pod), ["p1"], "{text}");
    }
}

#[test]
fn documents_come_alone_in_rows_on_lines_and_in_arrays() {
    let (one, two) = (pod("a", "p1"), pod("a", "p2"));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    for text in [
        format!("{one}{two}"),
        format!("{one}\n{two}\n"),
        format!("{}\n{}\n", pretty(&one), pretty(&two)),
        format!("[{one},{two}]"),
        format!("[[{one}],[{two}]]"),
        format!("\u{feff}{one}\r\n{two}"),
        format!("\u{1e}{one}\n\u{1e}{two}\n"),
        pretty(&json!([one, two])),
        pretty(&json!([
            list(std::slice::from_ref(&one)),
            list(std::slice::from_ref(&two))
        ])),
    ] {
        for bytes in [text.clone().into_bytes(), gzip(text.as_bytes())] {
            let taken = take_in(&context(), &bytes);
            assert_eq!(taken.names(Kind::Pod), ["p1", "p2"], "{text}");
            assert!(taken.rejects.is_empty(), "{text}: {:?}", taken.rejects);
        }
    }
    let both = [
        gzip(one.to_string().as_bytes()),
        gzip(two.to_string().as_bytes()),
    ]
    .concat();
    assert_eq!(take_in(&context(), &both).names(Kind::Pod), ["p1", "p2"]);
}

#[test]
fn what_kubectl_watches_is_read() {
    let added = json!({"type": "ADDED", "object": pod("a", "p1")});
    let gone = json!({"type": "DELETED", "object": pod("a", "p1")});
    let taken = take(&format!("{added}\n{gone}\n"));
    let pods = taken.of(Kind::Pod);
    assert_eq!((pods[0].valid_to, pods[1].valid_to), (None, Some(AT)));
}

#[test]
fn a_broken_item_costs_only_itself() {
    let text = several_pods();
    let third = text.find("web-3").unwrap();
    let all = ["web-0", "web-1", "web-2", "web-3", "web-4", "web-5"];
    let without: Vec<&str> = all
        .iter()
        .copied()
        .filter(|name| *name != "web-3")
        .collect();
    let quote = third - 1;
    for (what, from, to) in [
        ("quote", quote..quote + 1, ""),
        ("literal", quote..third + 6, "nul"),
        ("control character", third..third, "\u{1}"),
        ("bracket", quote..quote, "]"),
        ("opening bracket", quote..quote, "{"),
        ("closing bracket", quote..quote, "}"),
        ("type", quote..third + 6, "[1]"),
        ("depth", quote..third + 6, &"[".repeat(400)),
        (
            "closed depth",
            quote..third + 6,
            &("[".repeat(400) + &"]".repeat(400)),
        ),
    ] {
        let mut broken = text.clone();
        broken.replace_range(from, to);
        let taken = take(&broken);
        assert_eq!(taken.names(Kind::Pod), without, "{what}");
        assert!(!taken.rejects.is_empty(), "{what}");
        assert!(taken.of(Kind::Listing).is_empty(), "{what}");
    }
    let invalid = [
        &text.as_bytes()[..third],
        b"\xff",
        &text.as_bytes()[third..],
    ]
    .concat();
    let taken = take_in(&context(), &invalid);
    assert_eq!(taken.names(Kind::Pod), without);
    assert_eq!(taken.reasons(), ["invalid_utf8"]);
}

#[test]
fn a_broken_line_costs_only_itself() {
    let (one, two) = (pod("a", "p1").to_string(), pod("a", "p2").to_string());
    for broken in [
        "{\"kind\":",
        "{\"kind\":1,",
        "{\"kind\":[1,",
        "{\"kind\":{\"a\":",
        "{\"a\":\"b}",
        "warning: slow",
        "}",
        "{]",
        "{\"a\" 1}",
        "{1:2}",
        "\"x",
    ] {
        let taken = take(&format!("{one}\n{broken}\n{two}\n"));
        assert_eq!(taken.names(Kind::Pod), ["p1", "p2"], "{broken}");
        assert_eq!(taken.summary.rejects, 1, "{broken}: {:?}", taken.rejects);
    }
}

#[test]
fn an_element_that_is_too_long_costs_only_itself() {
    let long = "x".repeat(limits::ELEMENT_BYTES);
    let mut big = pod("a", "big");
    big["metadata"]["annotations"] = json!({"note": long});
    let taken = take_json(&list(&[pod("a", "p1"), big.clone(), pod("a", "p2")]));
    assert_eq!(taken.names(Kind::Pod), ["p1", "p2"]);
    assert_eq!(taken.reasons(), ["element_too_large"]);
    let taken = take(&format!("{big}\n{}\n", pod("a", "p3")));
    assert_eq!(taken.names(Kind::Pod), ["p3"]);
    assert!(taken.reasons().contains(&"element_too_large"));
}

#[test]
fn files_without_json_say_what_to_do() {
    for (text, reason) in [
        ("", "empty"),
        (" \n\n", "empty"),
        (
            "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n",
            "yaml",
        ),
        ("---\nkind: Pod\n", "yaml"),
        ("cluster:\n  name: prod\n", "yaml"),
        (
            "NAMESPACE   NAME    READY   STATUS\nshop  web  1/1 Running\n",
            "kubectl_table",
        ),
        ("NAME   READY\n", "kubectl_table"),
        ("<!DOCTYPE html><html>", "html"),
        ("-----------------\n|  DescribeCluster |\n", "aws_table"),
        (
            "ROLES\tarn:aws:iam::111122223333:role/a\t2024\n",
            "aws_text",
        ),
        (
            "No resources found in default namespace.\n",
            "command_message",
        ),
        (
            "Error from server (Forbidden): pods is forbidden\n",
            "command_message",
        ),
        (
            "\nAn error occurred (AccessDenied) when calling ListRoles\n",
            "command_message",
        ),
        ("PK\x03\x04rest", "unsupported_archive"),
        ("{\0\"\0", "utf16"),
        ("hello world\n", "invalid_json"),
        ("{\"a\":{\"b\":1}}", "unknown_document"),
        ("{\"Records\":[{\"eventVersion\":\"1.08\"}]}", "cloudtrail"),
        (
            "{\"eventVersion\":\"1.08\",\"eventSource\":\"s3.amazonaws.com\"}",
            "cloudtrail",
        ),
    ] {
        let taken = take(text);
        assert_eq!(taken.reasons(), [reason], "{text}");
        assert!(!taken.rejects[0].detail.is_empty());
        assert!(taken.observations.is_empty());
    }
}

#[test]
fn lists_of_names_only_are_counted() {
    for (text, what) in [
        (r#"{"clusters":["prod","dev"]}"#, "list_clusters"),
        (r#"{"nodegroups":["a"]}"#, "list_nodegroups"),
        (r#"{"fargateProfileNames":[]}"#, "list_fargate_profiles"),
        (r#"{"addons":["vpc-cni"]}"#, "list_addons"),
    ] {
        let taken = take(text);
        assert_eq!(taken.skipped(what), 1);
        assert!(taken.rejects.is_empty() && taken.observations.is_empty());
    }
}

#[test]
fn a_file_without_cluster_is_refused_once() {
    let both = list(&[pod("a", "p1"), pod("a", "p2")]).to_string();
    for (cluster, reason) in [
        (ClusterOf::Unknown, "no_cluster"),
        (
            ClusterOf::Ambiguous(vec!["x".to_owned(), "y".to_owned()]),
            "ambiguous_cluster",
        ),
    ] {
        let context = FileContext {
            cluster,
            ..context()
        };
        let taken = take_in(&context, both.as_bytes());
        assert_eq!(taken.reasons(), [reason]);
        assert!(taken.rejects[0].detail.contains("--cluster"));
        assert_eq!(taken.skipped("no_cluster"), 1);
        assert!(taken.observations.is_empty());
    }
}

#[test]
fn rejects_of_one_file_are_bounded() {
    let mut text = String::new();
    for at in 0..limits::FILE_REJECTS + 500 {
        writeln!(text, "{{\"nothing\":{at}}}").unwrap();
    }
    let taken = take(&text);
    assert_eq!(taken.rejects.len() as u64, limits::FILE_REJECTS + 1);
    assert_eq!(taken.rejects.last().unwrap().reason, "too_many_rejects");
    assert_eq!(taken.summary.rejects, limits::FILE_REJECTS + 500);
    assert_eq!(taken.rejects[7].position, 7);
}

#[test]
fn names_of_skipped_kinds_are_bounded() {
    let mut text = String::new();
    for at in 0..2000 {
        writeln!(text, "{{\"apiVersion\":\"x/v1\",\"kind\":\"K{at}\"}}").unwrap();
    }
    let taken = take(&text);
    assert_eq!(taken.summary.skipped.len(), limits::SKIPPED_NAMES + 1);
    assert_eq!(taken.summary.skipped.values().sum::<u64>(), 2000);
}

#[test]
fn a_reader_that_fails_is_a_reject() {
    struct Fails(usize, Vec<u8>);
    impl Read for Fails {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0 == self.1.len() {
                return Err(io::Error::other("gone"));
            }
            out[0] = self.1[self.0];
            self.0 += 1;
            Ok(1)
        }
    }
    let text = several_pods();
    let half = text.as_bytes()[..text.len() / 2].to_vec();
    let mut taken = Taken::default();
    parse(Fails(0, half), &context(), &mut taken).unwrap();
    assert_eq!(taken.names(Kind::Pod), ["web-0", "web-1", "web-2"]);
    assert_eq!(taken.reasons(), ["unreadable"]);
}

#[test]
fn a_sink_that_fails_stops() {
    struct Full;
    impl Sink for Full {
        fn observation(&mut self, _: &str, _: Observation) -> io::Result<()> {
            Err(io::Error::other("full"))
        }
        fn reject(&mut self, _: Reject) -> io::Result<()> {
            Ok(())
        }
    }
    let result = parse(several_pods().as_bytes(), &context(), &mut Full);
    assert!(matches!(result, Err(Error::Sink(_))));
}

mod damage;
mod secrets;
