#![allow(clippy::unwrap_used)]
use std::path::{Path, PathBuf};

use podtrail_ingest::inventory::{Options, import_into};
use podtrail_ingest::store::Store;
use serde_json::Value;

use super::*;
use crate::engine::{Engine, Limits};
use crate::explain::all;
use crate::filter::Filter;
use crate::listing::WORKLOAD_PODS;

const IRELAND: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
const VIRGINIA: &str = "arn:aws:eks:us-east-1:111122223333:cluster/prod";
const OTHER: &str = "arn:aws:eks:eu-west-1:444455556666:cluster/prod";

#[test]
fn arns_are_told_from_names() {
    let arn = ClusterArn {
        region: "eu-west-1",
        account: "111122223333",
        name: "prod",
    };
    assert_eq!(ClusterArn::parse(IRELAND), Some(arn));
    assert_eq!(name(IRELAND), "prod");
    for other in [
        "",
        "prod",
        "arn",
        "arn:aws:eks",
        "arn:aws:eks:eu-west-1:111122223333:cluster/",
        "arn:aws:eks:eu-west-1:111122223333:cluster/prod/shop",
        "arn:aws:eks:eu-west-1:111122223333:nodegroup/prod/general/0cc1",
        "arn:aws:ecs:eu-west-1:111122223333:cluster/prod",
        "oidc.eks.eu-west-1.amazonaws.com/id/0A1B",
    ] {
        assert_eq!(ClusterArn::parse(other), None, "{other}");
        assert_eq!(name(other), other);
    }
}

#[test]
fn arns_are_made_of_what_is_known() {
    for (account, region, expected) in [
        (Some("111122223333"), Some("eu-west-1"), IRELAND),
        (
            Some("111122223333"),
            Some("cn-north-1"),
            "arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod",
        ),
        (
            Some("111122223333"),
            None,
            "arn:aws:eks::111122223333:cluster/prod",
        ),
        (
            Some(""),
            Some("eu-west-1"),
            "arn:aws:eks:eu-west-1::cluster/prod",
        ),
    ] {
        let made = arn("prod", account, region);
        assert_eq!(made, expected);
        assert_eq!(name(&made), "prod");
    }
}

#[test]
fn a_cluster_is_called_by_its_name_until_another_has_it() {
    let three = format!("{IRELAND}\n{OTHER}\n{VIRGINIA}");
    let two = format!("{IRELAND}\n{OTHER}");
    let in_part = format!("arn:aws:eks::444455556666:cluster/prod\n{IRELAND}");
    let (own, other) = (Some("111122223333"), Some("444455556666"));
    for (account, region, arns, expected) in [
        (own, Some("eu-west-1"), None, Some("prod")),
        (None, None, None, Some("prod")),
        (own, Some("eu-west-1"), Some(&three), Some(IRELAND)),
        (own, Some("us-east-1"), Some(&three), Some(VIRGINIA)),
        // The account alone tells only where it has one of the name.
        (other, None, Some(&three), Some(OTHER)),
        (own, None, Some(&three), None),
        (own, Some(""), Some(&three), None),
        (None, Some("us-east-1"), Some(&three), Some(VIRGINIA)),
        (None, Some("eu-west-1"), Some(&three), None),
        (None, None, Some(&two), None),
        (own, None, Some(&two), Some(IRELAND)),
        // One that is not among them is a cluster of its own.
        (own, Some("us-east-1"), Some(&two), Some(VIRGINIA)),
        (Some("777788889999"), None, Some(&two), None),
        (
            other,
            None,
            Some(&in_part),
            Some("arn:aws:eks::444455556666:cluster/prod"),
        ),
        (own, None, Some(&in_part), Some(IRELAND)),
    ] {
        let arns: Option<&String> = arns;
        assert_eq!(
            identity("prod", account, region, arns.map(String::as_str)).as_deref(),
            expected,
            "{account:?} {region:?} {arns:?}"
        );
    }
}

const OWN_PAYMENTS: &str = "arn:aws:eks:us-east-1:111122223333:cluster/payments";
const OTHER_PAYMENTS: &str = "arn:aws:eks:us-east-1:444455556666:cluster/payments";

fn scenario() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/namesakes")
}

async fn session(store: &Store) -> Session {
    let engine = Engine::new(store.clone(), &Limits::new(1)).unwrap();
    engine.session().await.unwrap()
}

/// A store with what was seen of two clusters named payments.
struct Place {
    session: Session,
    folder: tempfile::TempDir,
}

impl Place {
    async fn of(folders: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path(), true).unwrap();
        let paths = folders.iter().map(|name| scenario().join(name)).collect();
        let imported = import_into(&store, paths, Options::default())
            .await
            .unwrap();
        assert_eq!(imported.rejects, Vec::new());
        let session = session(&store).await;
        Self { session, folder }
    }

    /// Pods of reports/reader in a cluster, by the list that the filter narrows.
    async fn pods(&self, cluster: &str) -> Vec<[String; 3]> {
        let filter = Filter::default()
            .with("cluster", cluster)
            .and_then(|filter| filter.with("service_account", "reader"))
            .unwrap();
        let statement = WORKLOAD_PODS.whole(&filter).unwrap();
        let rows = self.session.json(statement).await.unwrap();
        let text = |row: &Value, column: &str| row[column].as_str().unwrap().to_owned();
        let mut pods: Vec<[String; 3]> = rows
            .iter()
            .map(|row| ["cluster", "pod", "instance_id"].map(|column| text(row, column)))
            .collect();
        pods.sort();
        pods
    }
}

fn reader(cluster: &str, instance: &str) -> [String; 3] {
    [cluster, "reader-0", instance].map(str::to_owned)
}

#[tokio::test]
async fn one_cluster_of_a_name_is_asked_for_by_name_or_arn() {
    let place = Place::of(&["inventory/a"]).await;
    for (cluster, expected) in [
        ("payments", "payments"),
        (OWN_PAYMENTS, "payments"),
        (OTHER_PAYMENTS, OTHER_PAYMENTS),
        ("unheard-of", "unheard-of"),
        ("it's", "it's"),
    ] {
        assert_eq!(asked(&place.session, cluster).await.unwrap(), expected);
    }
    let own = reader("payments", "i-0a1b2c3d4e5f60001");
    assert_eq!(place.pods("payments").await, [own]);
}

#[tokio::test]
async fn of_two_clusters_of_a_name_each_has_its_own_pods() {
    let place = Place::of(&["inventory/a", "inventory/b"]).await;
    let error = asked(&place.session, "payments").await.unwrap_err();
    assert!(matches!(error, Error::InvalidQuery(_)), "{error:?}");
    let told = error.to_string();
    assert!(
        told.contains(OWN_PAYMENTS) && told.contains(OTHER_PAYMENTS),
        "{told}"
    );
    for cluster in [OWN_PAYMENTS, OTHER_PAYMENTS, "unheard-of"] {
        assert_eq!(asked(&place.session, cluster).await.unwrap(), cluster);
    }
    // Of the same names and the same address, on nodes of the same name.
    let own = reader(OWN_PAYMENTS, "i-0a1b2c3d4e5f60001");
    let other = reader(OTHER_PAYMENTS, "i-0b1b2c3d4e5f60001");
    assert_eq!(place.pods("payments").await, [own.clone(), other.clone()]);
    assert_eq!(place.pods(OWN_PAYMENTS).await, [own]);
    assert_eq!(place.pods(OTHER_PAYMENTS).await, [other]);
}

#[tokio::test]
async fn what_does_not_say_of_which_cluster_it_is_is_of_none() {
    let cluster = "inventory/b/cluster-20260501T120000Z.json";
    let place = Place::of(&["inventory/a/cluster-20260501T120000Z.json", cluster]).await;
    let folder = place.folder.path();
    let store = Store::folder(folder, true).unwrap();
    let pods = scenario().join("inventory/a/pods-20260501T120000Z.json");
    let named = |cluster: &str| Options {
        cluster: Some(cluster.to_owned()),
        ..Options::default()
    };
    let unplaced = "SELECT name, kind, arns FROM unplaced_inventory ORDER BY kind";
    for (cluster, kinds, expected) in [
        ("payments", ["listing", "pod"], vec![]),
        // To import it again with the ARN tells.
        (
            OWN_PAYMENTS,
            ["listing", "pod"],
            vec![[OWN_PAYMENTS, "reader-0"].map(str::to_owned)],
        ),
    ] {
        import_into(&store, vec![pods.clone()], named(cluster))
            .await
            .unwrap();
        let session = session(&store).await;
        let rows = all(&session, unplaced).await.unwrap();
        assert_eq!(rows.len(), kinds.len(), "{rows:?}");
        for (row, kind) in rows.iter().zip(kinds) {
            assert_eq!(row["name"], "payments");
            assert_eq!(row["kind"], kind);
            assert_eq!(row["arns"], format!("{OWN_PAYMENTS}\n{OTHER_PAYMENTS}"));
        }
        let known = "SELECT cluster, pod FROM pods WHERE service_account = 'reader'";
        let rows = all(&session, known).await.unwrap();
        let text = |row: &Value, column: &str| row[column].as_str().unwrap().to_owned();
        let rows: Vec<[String; 2]> = rows
            .iter()
            .map(|row| ["cluster", "pod"].map(|column| text(row, column)))
            .collect();
        assert_eq!(rows, expected);
    }
}
