#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use futures::TryStreamExt;
use podtrail_ingest::inventory::{Options, import_into};
use podtrail_ingest::store::Store;
use serde_json::{Value, json};

use super::*;
use crate::engine::{Engine, Limits};

/// Columns of `roles` by role, of a store that knows the documents of cluster `dev`.
async fn roles(documents: &[Value]) -> BTreeMap<String, [String; 3]> {
    let at = |document: &Value| ("20260501T120000Z", document.clone());
    let documents: Vec<_> = documents.iter().map(at).collect();
    roles_seen(&documents, &Filter::default()).await
}

/// The same of documents that were printed at a time each.
async fn roles_seen(documents: &[(&str, Value)], filter: &Filter) -> BTreeMap<String, [String; 3]> {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("inventory");
    std::fs::create_dir(&files).unwrap();
    for (number, (time, document)) in documents.iter().enumerate() {
        let file = files.join(format!("{number}-{time}.json"));
        std::fs::write(file, document.to_string()).unwrap();
    }
    let store = Store::folder(&folder.path().join("store"), true).unwrap();
    let options = Options {
        cluster: Some("dev".to_owned()),
        ..Options::default()
    };
    let imported = import_into(&store, vec![files], options).await.unwrap();
    assert_eq!(imported.rejects, Vec::new());
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    let session = engine.session().await.unwrap();
    let rows = Report::Roles.run(&session, filter).await;
    let rows: Vec<RecordBatch> = rows.unwrap().try_collect().await.unwrap();
    let mut found = BTreeMap::new();
    for batch in &rows {
        let text = |name: &str, row| {
            array_value_to_string(batch.column_by_name(name).unwrap(), row).unwrap()
        };
        for row in 0..batch.num_rows() {
            let columns = ["kind", "clusters", "proof"].map(|name| text(name, row));
            let role = text("role_arn", row);
            assert!(found.insert(role, columns).is_none(), "a role stands twice");
        }
    }
    found
}

fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

fn access_entry(principal: &str, cluster: &str) -> Value {
    json!({"accessEntry": {"clusterName": cluster, "principalArn": role(principal), "type": "STANDARD",
        "accessEntryArn": format!("arn:aws:eks:us-east-1:111122223333:access-entry/{cluster}/role/111122223333/{principal}/x")}})
}

fn policy(principal: &str, cluster: &str, name: &str, scope: &Value) -> Value {
    json!({"clusterName": cluster, "principalArn": role(principal), "associatedAccessPolicies": [
        {"policyArn": format!("arn:aws:eks::aws:cluster-access-policy/{name}"), "accessScope": scope}]})
}

#[tokio::test]
async fn who_may_use_a_cluster_administers_it_only_where_something_says_so() {
    let (whole, part) = (
        json!({"type": "cluster", "namespaces": []}),
        json!({"type": "namespace", "namespaces": ["shop"]}),
    );
    let admin = "AmazonEKSClusterAdminPolicy";
    let row = |name: &str, groups: &str| {
        let arn = role(name);
        format!("- rolearn: {arn}\n  username: {name}\n{groups}")
    };
    let rows = [
        row("masters", "  groups:\n  - system:masters\n"),
        row("readers", "  groups:\n  - readers\n"),
        row("no-group", ""),
        row(
            "node",
            "  groups:\n  - system:bootstrappers\n  - system:nodes\n",
        ),
    ];
    let aws_auth = aws_auth(&rows.concat());
    let found = roles(&[
        access_entry("bare", "dev"),
        access_entry("admin", "dev"),
        policy("admin", "dev", admin, &whole),
        access_entry("viewer", "dev"),
        policy("viewer", "dev", "AmazonEKSViewPolicy", &whole),
        access_entry("of-a-namespace", "dev"),
        policy("of-a-namespace", "dev", admin, &part),
        access_entry("of-two", "dev"),
        policy("of-two", "dev", admin, &whole),
        access_entry("of-two", "prod"),
        aws_auth,
    ])
    .await;
    let entry = "access entry of type STANDARD";
    let allowed = "access policy AmazonEKSClusterAdminPolicy";
    let expected = [
        ("admin", "cluster_admin", "dev", allowed),
        ("bare", "cluster_access", "dev", entry),
        (
            "masters",
            "cluster_admin",
            "dev",
            r#"aws-auth maps it to ["system:masters"]"#,
        ),
        (
            "no-group",
            "cluster_access",
            "dev",
            "aws-auth maps it to no group",
        ),
        (
            "node",
            "node_role",
            "dev",
            "aws-auth maps it to system:nodes",
        ),
        ("of-a-namespace", "cluster_access", "dev", entry),
        (
            "of-two",
            "cluster_access, cluster_admin",
            "dev, prod",
            entry,
        ),
        (
            "readers",
            "cluster_access",
            "dev",
            r#"aws-auth maps it to ["readers"]"#,
        ),
        ("viewer", "cluster_access", "dev", entry),
    ];
    let expected = expected.map(|(name, kind, clusters, proof)| {
        (role(name), [kind, clusters, proof].map(str::to_owned))
    });
    assert_eq!(found, BTreeMap::from(expected));
}

fn access_entries(principals: &[&str]) -> Value {
    let arns: Vec<String> = principals.iter().map(|name| role(name)).collect();
    json!({"accessEntries": arns})
}

fn aws_auth(rows: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": rows}})
}

#[tokio::test]
async fn who_no_longer_administers_a_cluster_did_so_before() {
    let whole = json!({"type": "cluster", "namespaces": []});
    let admin = "AmazonEKSClusterAdminPolicy";
    let masters = format!(
        "- rolearn: {}\n  username: m\n  groups:\n  - system:masters\n",
        role("masters")
    );
    let withdrawn = json!({"clusterName": "dev", "principalArn": role("withdrawn"), "associatedAccessPolicies": []});
    let (first, last) = ("20260501T120000Z", "20260503T120000Z");
    let documents = [
        (first, access_entries(&["gone", "kept", "withdrawn"])),
        (first, access_entry("gone", "dev")),
        (first, access_entry("kept", "dev")),
        (first, access_entry("withdrawn", "dev")),
        (first, policy("gone", "dev", admin, &whole)),
        (first, policy("kept", "dev", admin, &whole)),
        (first, policy("withdrawn", "dev", admin, &whole)),
        (first, aws_auth(&masters)),
        (last, access_entries(&["kept", "withdrawn"])),
        (last, withdrawn),
        (last, aws_auth("[]")),
    ];
    let day = |text: &str| Some(text.parse().unwrap());
    let all = [
        ("gone", "cluster_admin"),
        ("kept", "cluster_admin"),
        ("masters", "cluster_admin"),
        ("withdrawn", "cluster_admin"),
    ];
    let left = [("kept", "cluster_admin"), ("withdrawn", "cluster_access")];
    for (from, to, expected) in [
        (None, None, left.as_slice()),
        (day("2026-05-04T00:00:00Z"), None, left.as_slice()),
        (day("2026-05-02T00:00:00Z"), None, all.as_slice()),
        (None, day("2026-05-02T00:00:00Z"), all.as_slice()),
    ] {
        let filter = Filter::within(from, to).unwrap();
        let found = roles_seen(&documents, &filter).await;
        let found: Vec<_> = found
            .iter()
            .map(|(arn, [kind, ..])| (arn.rsplit('/').next().unwrap(), kind.as_str()))
            .collect();
        assert_eq!(found, expected, "{from:?} {to:?}");
    }
}

#[tokio::test]
async fn what_a_pipeline_can_fail_on_is_a_column_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), true).unwrap();
    store.create_tables().await.unwrap();
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    let session = engine.session().await.unwrap();
    for report in Report::ALL {
        let Some(levels) = report.levels() else {
            continue;
        };
        let rows = report.run(&session, &Filter::default()).await.unwrap();
        let found = rows.schema().column_with_name(levels.column).is_some();
        assert!(found, "{}: {levels:?}", report.name());
    }
}
