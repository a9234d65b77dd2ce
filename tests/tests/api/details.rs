//! One thing with all that belongs to it, and the summary.

use podtrail_tests::service::Client;
use serde_json::{Value, json};

use super::shared;

#[tokio::test]
async fn details_are_those_of_the_lists() {
    let (_service, client) = shared().await;
    let workload = client
        .get("/api/v1/workloads/myeks/shop/cart")
        .await
        .expect(200)
        .json();
    let listed = client
        .list("/api/v1/workloads", &[("service_account", "cart")])
        .await
        .items();
    assert_eq!(workload["roles"], json!(listed));
    assert!(!workload["actions"].as_array().unwrap().is_empty());
    assert!(!workload["pods"].as_array().unwrap().is_empty());
    assert_eq!(workload["truncated"], json!([]));
    let policy = client
        .get("/api/v1/workloads/myeks/shop/cart/policy")
        .await
        .expect(200)
        .json();
    assert_eq!(policy["documents"][0]["Version"], "2012-10-17");
    let nodes = client.get("/api/v1/nodes").await.expect(200).items();
    let name = nodes
        .iter()
        .find_map(|row| row["node"].as_str().or(row["instance_id"].as_str()))
        .unwrap();
    let node = client
        .get(&format!("/api/v1/nodes/{name}"))
        .await
        .expect(200)
        .json();
    assert!(nodes.contains(&node["roles"][0]), "{node}");
    assert!(!node["pods"].as_array().unwrap().is_empty());
    let fallbacks = client.get("/api/v1/fallbacks").await.expect(200).items();
    for fallback in &fallbacks {
        let id = fallback["id"].as_str().unwrap();
        let one = client
            .get(&format!("/api/v1/fallbacks/{id}"))
            .await
            .expect(200)
            .json();
        assert_eq!(&one["item"], fallback);
        if fallback["service_account"].is_null() {
            let fix = fallback["fix"].as_str().unwrap();
            assert!(!fix.contains("create-role"), "a role for nobody: {fix}");
        }
    }
    for id in ["myeks/shop/cart", "myeks%2Fshop%2Fcart"] {
        let story = client
            .get(&format!("/api/v1/explain/{id}"))
            .await
            .expect(200)
            .json();
        assert!(!story["verdict"].as_str().unwrap().is_empty());
        assert!(!story["sections"].as_array().unwrap().is_empty());
    }
    let event = client
        .list(
            "/api/v1/events",
            &[("service_account", "cart"), ("limit", "1")],
        )
        .await
        .items();
    let id = event[0]["event_id"].as_str().unwrap();
    let story = client
        .get(&format!("/api/v1/explain/{id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(story["event"]["event_id"], id);
    assert_eq!(story["attribution"]["service_account"], "cart");
    stories_of_arns(&client, &event[0]).await;
    stories_of_pods(&client).await;
    for missing in [
        "/api/v1/fallbacks/none",
        "/api/v1/workloads/no/such/one",
        "/api/v1/workloads/no/such/one/policy",
        "/api/v1/nodes/i-0000",
        "/api/v1/explain/none",
        "/api/v1/explain/no/such/one",
        "/api/v1/reports/none",
    ] {
        client.get(missing).await.problem(404);
    }
}

/// Asks for a pod by its name alone, one that no other pod has.
async fn stories_of_pods(client: &Client) {
    let pods = client
        .sql(
            "SELECT pod, min(namespace) AS namespace, min(concat_ws('/', cluster, namespace, service_account, pod)) AS subject
             FROM pods GROUP BY pod HAVING count(DISTINCT concat_ws('/', cluster, namespace, service_account)) = 1
             ORDER BY pod LIMIT 1",
        )
        .await;
    let text = |column: &str| pods[0][column].as_str().unwrap();
    let story = async |name: &str| {
        let path = format!("/api/v1/explain/{name}");
        client.get(&path).await.expect(200).json()
    };
    let whole = story(text("subject")).await;
    assert_eq!(whole["subject"], Value::Null);
    let in_namespace = format!("{}/{}", text("namespace"), text("pod"));
    for name in [text("pod"), &in_namespace] {
        let told = story(name).await;
        assert_eq!(told["subject"], text("subject"), "{name}");
        assert_eq!(told["verdict"], whole["verdict"], "{name}");
    }
}

/// Asks for the stories of the ARNs that a call of `cart` shows, and of a node role.
async fn stories_of_arns(client: &Client, event: &Value) {
    let section = |story: &Value, title: &str| {
        let sections = story["sections"].as_array().unwrap();
        let found = sections.iter().find(|part| part["title"] == title);
        found.unwrap()["rows"].as_array().unwrap().clone()
    };
    let story = async |arn: &str| {
        let arn = arn.replace('/', "%2F");
        let path = format!("/api/v1/explain/{arn}");
        client.get(&path).await.expect(200).json()
    };
    let role = event["role_arn"].as_str().unwrap();
    let told = story(role).await;
    let verdict = told["verdict"].as_str().unwrap();
    assert!(verdict.contains("shop/cart of myeks"), "{verdict}");
    for title in ["used by", "bound to", "credentials issued to"] {
        let rows = section(&told, title);
        assert!(
            rows.iter().all(|row| row["service_account"] == "cart"),
            "{title}: {rows:?}"
        );
        assert!(!rows.is_empty(), "{title}");
    }
    let calls = section(&told, "calls");
    assert!(!calls.is_empty() && calls.iter().all(|row| row["event_source"].is_string()));
    let own = &section(&told, "credentials issued to")[0];
    assert_eq!(own["parent_role_arn"], Value::Null, "of no other role");
    let counts = client
        .sql(&format!(
            "SELECT sum(calls) AS calls FROM hourly_attribution WHERE role_arn = '{role}'"
        ))
        .await;
    let used: i64 = section(&told, "used by")
        .iter()
        .map(|row| row["calls"].as_i64().unwrap())
        .sum();
    assert_eq!(counts[0]["calls"], used);
    let told = story(event["identity_arn"].as_str().unwrap()).await;
    assert!(told["verdict"].as_str().unwrap().contains("shop/cart"));
    assert_eq!(section(&told, "issued to")[0]["service_account"], "cart");
    assert_eq!(section(&told, "calls")[0]["service_account"], "cart");
    // Pods fall back to it, and it is known by its name without its path, too.
    let told = story("arn:aws:iam::111122223333:role/myeks-ng-1").await;
    let verdict = told["verdict"].as_str().unwrap();
    assert!(
        verdict.starts_with("node role of myeks; used by "),
        "{verdict}"
    );
    for unknown in ["role/none", "user/none"] {
        let path = format!("/api/v1/explain/arn:aws:iam::111122223333:{unknown}");
        client.get(&path).await.problem(404);
    }
}

#[tokio::test]
async fn the_summary_adds_up() {
    let (_service, client) = shared().await;
    let summary = client.get("/api/v1/summary").await.expect(200).json();
    let counts = client
        .sql("SELECT (SELECT count(*) FROM events) AS calls, (SELECT count(*) FROM attribution) AS attributed")
        .await;
    assert_eq!(summary["calls"], counts[0]["calls"]);
    assert_eq!(summary["attributed_calls"], counts[0]["attributed"]);
    let fallbacks = client.get("/api/v1/fallbacks?limit=10000").await.items();
    assert_eq!(summary["fallback_workloads"], json!(fallbacks.len()));
    assert_eq!(
        summary["coverage"],
        client.get("/api/v1/coverage").await.json()["items"]
    );
    let ingestion = client.get("/api/v1/ingestion").await.expect(200).json();
    let objects = client
        .sql("SELECT count(*) AS n FROM ingested_objects")
        .await;
    let sources = ingestion["sources"].as_array().unwrap();
    let sum: i64 = sources
        .iter()
        .filter_map(|row| row["objects"].as_i64())
        .sum();
    assert_eq!(json!(sum), objects[0]["n"], "{sources:?}");
    // What a run of `podtrail ingest` left, whoever ran it.
    let batches = ingestion["batches"].as_array().unwrap();
    assert!(!batches.is_empty());
    for column in ["objects", "records", "new_events", "rejected"] {
        let sum =
            |rows: &[Value]| -> i64 { rows.iter().filter_map(|row| row[column].as_i64()).sum() };
        assert_eq!(sum(batches), sum(sources), "{column}");
    }
}
