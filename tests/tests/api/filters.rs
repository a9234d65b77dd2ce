//! What lists take, and what they refuse.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{LISTS, shared, sorted};

#[tokio::test]
async fn filters_agree_with_sql() {
    let (_service, client) = shared().await;
    let cart = "arn:aws:iam::111122223333:role/myeks-cart";
    for (parameters, condition) in [
        (vec![("namespace", "shop")], "namespace = 'shop'"),
        (
            vec![("cluster", "myeks"), ("service_account", "cart")],
            "cluster = 'myeks' AND service_account = 'cart'",
        ),
        (
            vec![("access_path", "pod_identity")],
            "access_path = 'pod_identity'",
        ),
        (
            vec![("confidence", "candidate")],
            "confidence = 'candidate'",
        ),
        (vec![("actor", "control_plane")], "actor = 'control_plane'"),
        (
            vec![("role_arn", cart)],
            "coalesce(a.role_arn, e.session_issuer_arn) = 'arn:aws:iam::111122223333:role/myeks-cart'",
        ),
        (
            vec![("account", "444455556666")],
            "e.recipient_account_id = '444455556666'",
        ),
        (vec![("region", "us-east-1")], "e.aws_region = 'us-east-1'"),
        (
            vec![("event_source", "s3.amazonaws.com")],
            "e.event_source = 's3.amazonaws.com'",
        ),
        (
            vec![
                ("from", "2026-05-01T13:00:00Z"),
                ("to", "2026-05-01T14:00:00Z"),
            ],
            "e.event_time >= '2026-05-01T13:00:00Z' AND e.event_time < '2026-05-01T14:00:00Z'",
        ),
        (vec![("from", "2026-05-01"), ("to", "2026-05-01")], "true"),
        (vec![("to", "2026-04-30")], "false"),
    ] {
        let sql = format!(
            "SELECT e.event_id FROM events e LEFT JOIN attribution a ON a.event_id = e.event_id WHERE {condition}"
        );
        let ids = |rows: Vec<Value>| -> BTreeSet<String> {
            rows.iter()
                .map(|row| row["event_id"].as_str().unwrap().to_owned())
                .collect()
        };
        let wanted = ids(client.sql(&sql).await);
        assert_eq!(wanted.is_empty(), condition == "false", "{condition}");
        let mut all = parameters.clone();
        all.push(("limit", "10000"));
        let given = client
            .list("/api/v1/events", &all)
            .await
            .expect(200)
            .items();
        assert_eq!(ids(given), wanted, "{parameters:?}");
    }
    let node = client
        .sql("SELECT min(node) AS node FROM attribution")
        .await[0]["node"]
        .clone();
    let node = node.as_str().unwrap();
    let count = client
        .sql(&format!(
            "SELECT count(*) AS n FROM attribution WHERE node = '{node}'"
        ))
        .await;
    let rows = client
        .list("/api/v1/events", &[("node", node), ("limit", "10000")])
        .await
        .items();
    assert_eq!(json!(rows.len()), count[0]["n"]);
    let id = rows[0]["event_id"].as_str().unwrap();
    assert_eq!(
        client.list("/api/v1/events", &[("id", id)]).await.items(),
        rows[..1]
    );
}

#[tokio::test]
async fn other_lists_agree_with_sql_too() {
    let (_service, client) = shared().await;
    for (path, parameters, sql) in [
        (
            "/api/v1/workloads",
            vec![("namespace", "shop"), ("access_path", "irsa")],
            "SELECT cluster, namespace, service_account, role_arn, CAST(sum(calls) AS BIGINT) AS calls FROM activity_attribution \
             WHERE actor = 'workload' AND access_path = 'irsa' AND namespace = 'shop' GROUP BY ALL",
        ),
        (
            "/api/v1/fallbacks",
            vec![("namespace", "default")],
            "SELECT id, cluster, namespace, workload, cause, calls, fix FROM fallbacks WHERE namespace = 'default'",
        ),
        (
            "/api/v1/timeline",
            vec![("access_path", "node_role")],
            "SELECT date_trunc('hour', first_event_time) AS hour, access_path, actor, CAST(sum(calls) AS BIGINT) AS calls \
             FROM activity_attribution WHERE access_path = 'node_role' GROUP BY ALL",
        ),
        (
            "/api/v1/readiness",
            vec![("cluster", "myeks")],
            "SELECT cluster, role_arn FROM readiness WHERE cluster = 'myeks'",
        ),
    ] {
        let wanted = client.sql(sql).await;
        assert!(!wanted.is_empty(), "{sql}");
        let names: Vec<String> = wanted[0].as_object().unwrap().keys().cloned().collect();
        let given: Vec<Value> = client
            .list(path, &parameters)
            .await
            .expect(200)
            .items()
            .iter()
            .map(|row| {
                names
                    .iter()
                    .map(|name| (name.clone(), row[name].clone()))
                    .collect()
            })
            .collect();
        assert_eq!(sorted(&given), sorted(&wanted), "{path}");
    }
}

#[tokio::test]
async fn a_list_takes_the_filters_that_the_document_says_and_refuses_others() {
    let (_service, client) = shared().await;
    let document = client.get("/openapi.json").await.expect(200).json();
    let all = [
        "from",
        "to",
        "account",
        "region",
        "cluster",
        "namespace",
        "service_account",
        "role_arn",
        "access_path",
        "confidence",
        "actor",
        "node",
        "event_source",
        "id",
    ];
    for path in LISTS {
        let parameters = document["paths"][path]["get"]["parameters"]
            .as_array()
            .unwrap();
        let said: BTreeSet<&str> = parameters
            .iter()
            .map(|each| each["name"].as_str().unwrap())
            .collect();
        let value = |name| match name {
            "from" | "to" => "2026-05-01",
            "access_path" => "irsa",
            "confidence" | "actor" => "unknown",
            _ => "x",
        };
        let (taken, others): (Vec<&str>, Vec<&str>) =
            all.into_iter().partition(|name| said.contains(name));
        let together: Vec<(&str, &str)> = taken.iter().map(|name| (*name, value(name))).collect();
        client.list(path, &together).await.expect(200);
        for name in others {
            let problem = client.list(path, &[(name, value(name))]).await.problem(400);
            assert!(
                problem["detail"].as_str().unwrap().contains(name),
                "{path}: {problem}"
            );
        }
    }
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let (_service, client) = shared().await;
    for target in [
        "/api/v1/events?nonsense=1",
        "/api/v1/events?limit=5&limit=6",
        "/api/v1/events?cluster=a&cluster=b",
        "/api/v1/events?limit=0",
        "/api/v1/events?limit=10001",
        "/api/v1/events?limit=-1",
        "/api/v1/events?limit=x",
        "/api/v1/events?limit=99999999999999999999999",
        "/api/v1/events?from=yesterday",
        "/api/v1/events?to=2026-13-01",
        "/api/v1/events?from=2026-05-02&to=2026-05-01",
        "/api/v1/summary?from=2026-05-01T12:00:00Z&to=2026-05-01T12:00:00Z",
        "/api/v1/events?access_path=nonsense",
        "/api/v1/workloads?confidence=",
        "/api/v1/reports/denied?actor=Workload",
        "/api/v1/summary?cluster=myeks",
        "/api/v1/summary?from=-1x",
        "/api/v1/reports/workloads?limit=1",
        "/api/v1/reports/workloads?next_token=x",
        "/api/v1/workloads/myeks/shop/cart/policy?include_denied=maybe",
    ] {
        client.get(target).await.problem(400);
    }
    let problem = client.get("/api/v1/events?actor=me").await.problem(400);
    let detail = "actor: one of workload, node_agent, control_plane, unknown";
    assert_eq!(problem["detail"], detail);
    // Every word that rows have can be asked for.
    for name in ["access_path", "actor", "confidence"] {
        let words = client
            .sql(&format!("SELECT DISTINCT {name} AS word FROM attribution"))
            .await;
        assert!(words.len() > 2, "{name}");
        for row in words {
            let word = row["word"].as_str().unwrap();
            let parameters = [(name, word), ("limit", "1")];
            let rows = client.list("/api/v1/events", &parameters).await.expect(200);
            assert_eq!(rows.items().len(), 1, "{name}={word}");
        }
    }
    let long = "x".repeat(2_049);
    client
        .list("/api/v1/events", &[("cluster", &long)])
        .await
        .problem(400);
}
