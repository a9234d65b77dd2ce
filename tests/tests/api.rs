//! The HTTP API of the real service: forms, pages, filters, tags, errors, headers.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use podtrail_tests::forms::{ARROW, CSV, NDJSON, arrow, csv, in_csv, ndjson};
use podtrail_tests::service::{Answer, Client, OwnStore, Service, Shared, eventually};
use serde_json::{Value, json};

static SHARED: Shared = Shared::new();

async fn shared() -> (Arc<Service>, Client) {
    let service = SHARED.get(&[]).await;
    let client = service.client();
    (service, client)
}

const LISTS: [&str; 9] = [
    "/api/v1/fallbacks",
    "/api/v1/readiness",
    "/api/v1/workloads",
    "/api/v1/roles",
    "/api/v1/nodes",
    "/api/v1/events",
    "/api/v1/coverage",
    "/api/v1/timeline",
    "/api/v1/flows",
];

const REPORTS: [&str; 8] = [
    "/api/v1/reports/fallbacks",
    "/api/v1/reports/readiness",
    "/api/v1/reports/workloads",
    "/api/v1/reports/roles",
    "/api/v1/reports/nodes",
    "/api/v1/reports/denied",
    "/api/v1/reports/unused",
    "/api/v1/reports/coverage",
];

/// An event of the demo's time and account that nobody of a cluster made.
fn record(id: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": id, "eventTime": time,
        "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "awsRegion": "ap-northeast-2",
        "sourceIPAddress": "198.51.100.7", "userAgent": "=cmd|' /C calc'!A0",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "alice",
            "arn": "arn:aws:iam::111122223333:user/alice", "accessKeyId": "AKIAEXAMPLE000000001"},
        "eventType": "AwsApiCall", "managementEvent": true, "eventCategory": "Management",
        "recipientAccountId": "111122223333", "readOnly": true,
    })
}

fn sorted(rows: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = rows.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    texts
}

/// Compares CSV with the rows that JSON has.
fn assert_same_in_csv(text: &str, rows: &[Value], path: &str) {
    let mut table = csv(text);
    let header = table.remove(0);
    assert_eq!(table.len(), rows.len(), "{path}");
    let names: BTreeSet<&String> = header.iter().collect();
    assert_eq!(names.len(), header.len(), "{path}");
    let mut wanted: Vec<Vec<Option<String>>> = rows
        .iter()
        .map(|row| {
            assert_eq!(row.as_object().unwrap().len(), header.len(), "{path}");
            header.iter().map(|name| in_csv(&row[name])).collect()
        })
        .collect();
    wanted.sort();
    // Columns that CSV may write in another way count for nothing.
    let mut given: Vec<Vec<Option<String>>> = table
        .into_iter()
        .map(|row| {
            let columns = row.into_iter().zip(&header);
            columns
                .map(|(text, name)| {
                    let free = rows.iter().any(|row| in_csv(&row[name]).is_none());
                    (!free).then_some(text)
                })
                .collect()
        })
        .collect();
    for row in &mut wanted {
        for (place, name) in header.iter().enumerate() {
            if rows.iter().any(|row| in_csv(&row[name]).is_none()) {
                row[place] = None;
            }
        }
    }
    wanted.sort();
    given.sort();
    assert_eq!(given, wanted, "{path}");
}

#[tokio::test]
async fn every_form_of_a_list_or_report_holds_the_same_rows() {
    let (_service, client) = shared().await;
    let lists = LISTS.map(|path| match path {
        "/api/v1/events" => {
            format!("{path}?limit=1000&role_arn=arn:aws:iam::111122223333:role/myeks-cart")
        }
        _ => format!("{path}?limit=10000"),
    });
    for path in lists.iter().map(String::as_str).chain(REPORTS) {
        let items = client.get(path).await.expect(200).items();
        assert!(!items.is_empty(), "{path} has no rows");
        let wanted = sorted(&items);
        for (accept, read) in [(NDJSON, ndjson as fn(&[u8]) -> Vec<Value>), (ARROW, arrow)] {
            let answer = client.get_as(path, accept).await.expect(200);
            assert_eq!(answer.header("content-type"), Some(accept));
            let elapsed = answer.header("x-podtrail-elapsed-ms");
            assert!(
                elapsed.is_some_and(|ms| ms.parse::<u64>().is_ok()),
                "{path}"
            );
            assert_eq!(sorted(&read(&answer.body)), wanted, "{path} as {accept}");
        }
        let answer = client.get_as(path, CSV).await.expect(200);
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with("text/csv;"), "{kind}");
        assert_same_in_csv(&answer.text(), &items, path);
    }
}

#[tokio::test]
async fn the_weightiest_form_that_is_known_is_given() {
    let (_service, client) = shared().await;
    for (accept, given) in [
        ("*/*", "application/json"),
        ("application/x-ndjson;q=0.2, text/csv;q=0.9", "text/csv"),
        ("image/png, application/x-ndjson;q=0.1", NDJSON),
        (
            "text/html, application/xhtml+xml, */*;q=0.8",
            "application/json",
        ),
        ("text/csv;q=0, application/json;q=0.1", "application/json"),
    ] {
        let answer = client.get_as("/api/v1/coverage", accept).await.expect(200);
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with(given), "{accept}: {kind}");
    }
}

/// Reads a list page by page, in whatever form.
async fn pages(
    client: &Client,
    path: &str,
    accept: &str,
    read: fn(&[u8]) -> Vec<Value>,
) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut target = path.to_owned();
    loop {
        let answer = client.get_as(&target, accept).await.expect(200);
        let page = read(&answer.body);
        let json = accept == "application/json";
        let next = if json {
            answer.json()["next_token"].as_str().map(str::to_owned)
        } else {
            answer.header("x-podtrail-next-token").map(str::to_owned)
        };
        rows.extend(page.iter().cloned());
        let Some(next) = next else { return rows };
        assert!(!page.is_empty(), "{path}: an empty page that others follow");
        target = format!("{path}&next_token={next}");
    }
}

fn items(body: &[u8]) -> Vec<Value> {
    let mut answer: Value = serde_json::from_slice(body).unwrap();
    answer["items"].as_array_mut().map(std::mem::take).unwrap()
}

#[tokio::test]
async fn pages_give_exactly_the_whole_list() {
    let (_service, client) = shared().await;
    for list in LISTS {
        let (filter, limits): (&str, &[u32]) = match list {
            "/api/v1/events" => ("&from=2026-05-01T13:00:00Z&to=2026-05-01T13:05:00Z", &[7]),
            "/api/v1/roles" | "/api/v1/fallbacks" | "/api/v1/timeline" | "/api/v1/flows" => {
                ("", &[7])
            }
            _ => ("", &[2, 7]),
        };
        let whole = client
            .get(&format!("{list}?limit=10000{filter}"))
            .await
            .expect(200);
        assert!(whole.json()["next_token"].is_null(), "{list}");
        let whole = whole.items();
        for limit in limits {
            let path = format!("{list}?limit={limit}{filter}");
            let paged = pages(&client, &path, "application/json", items).await;
            assert_eq!(paged, whole, "{path}");
        }
    }
    let path = "/api/v1/events?limit=2000";
    let paged = pages(&client, path, NDJSON, ndjson).await;
    let calls = client.sql("SELECT count(*) AS n FROM events").await[0]["n"].clone();
    assert_eq!(json!(paged.len()), calls);
    let newest_first =
        paged.is_sorted_by(|a, b| a["event_time"].as_str() >= b["event_time"].as_str());
    assert!(newest_first, "the newest first");
    let ids: BTreeSet<&str> = paged
        .iter()
        .map(|row| row["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), paged.len(), "each once");
}

/// Waits until the service shows another snapshot than before.
async fn new_snapshot(client: &Client, before: &str) -> Answer {
    eventually("a new snapshot", || async {
        let answer = client.get("/api/v1/coverage").await.expect(200);
        (answer.header("x-podtrail-snapshot") != Some(before)).then_some(answer)
    })
    .await
}

#[tokio::test]
async fn pages_stay_right_while_new_events_land() {
    let own = OwnStore::of_demo();
    let service = Service::start(&own.store(), &["--refresh", "1s"]).await;
    let client = service.client();
    let path = "/api/v1/events?limit=7&from=2026-05-01T14:00:00Z&to=2026-05-01T14:05:00Z";
    let old: BTreeSet<String> = pages(&client, path, NDJSON, ndjson)
        .await
        .iter()
        .map(|row| row["event_id"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        old.len() > 21,
        "too few events for this test: {}",
        old.len()
    );
    let mut shown = Vec::new();
    let mut target = path.to_owned();
    for page in 0.. {
        let answer = client.get(&target).await.expect(200);
        let rows = answer.items();
        shown.extend(
            rows.iter()
                .map(|row| row["event_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = answer.json()["next_token"].as_str().map(str::to_owned) else {
            break;
        };
        target = format!("{path}&next_token={next}");
        if page < 2 {
            // Before, in the place of, and after the row at which the page ends.
            let edge = rows.last().unwrap()["event_time"].as_str().unwrap();
            let records: Vec<Value> = ["2026-05-01T14:00:00Z", edge, "2026-05-01T14:04:59Z"]
                .iter()
                .zip(["!", "m", "~"])
                .map(|(time, id)| record(&format!("{id}-landed-{page}"), time))
                .collect();
            own.ingest(&format!("{page}.json"), &records);
            new_snapshot(&client, answer.header("x-podtrail-snapshot").unwrap()).await;
        }
    }
    let once: BTreeSet<String> = shown.iter().cloned().collect();
    assert_eq!(once.len(), shown.len(), "shown twice: {shown:?}");
    let lost: Vec<&String> = old.difference(&once).collect();
    assert!(lost.is_empty(), "left out: {lost:?}");
    let landed: BTreeSet<&String> = once.difference(&old).collect();
    assert!(landed.iter().any(|id| id.contains("landed")), "{landed:?}");
}

#[tokio::test]
async fn tokens_of_another_list_or_filter_are_refused() {
    let (_service, client) = shared().await;
    let token_of = async |path: &str| {
        let page = client.get(path).await.expect(200).json();
        page["next_token"].as_str().unwrap().to_owned()
    };
    let all = token_of("/api/v1/workloads?limit=1").await;
    let narrowed = token_of("/api/v1/workloads?limit=1&cluster=myeks").await;
    let dated = token_of("/api/v1/timeline?limit=1&from=2026-05-01").await;
    for target in [
        format!("/api/v1/roles?limit=1&next_token={all}"),
        format!("/api/v1/workloads?limit=1&cluster=myeks&next_token={all}"),
        format!("/api/v1/workloads?limit=1&cluster=other&next_token={narrowed}"),
        format!("/api/v1/workloads?limit=1&next_token={narrowed}"),
        format!("/api/v1/timeline?limit=1&next_token={dated}"),
        format!("/api/v1/timeline?limit=1&from=2026-05-02&next_token={dated}"),
        "/api/v1/workloads?next_token=".to_owned(),
        "/api/v1/workloads?next_token=nonsense".to_owned(),
        "/api/v1/workloads?next_token=%00%ff".to_owned(),
        format!("/api/v1/workloads?limit=1&next_token=A{}", &all[1..]),
    ] {
        client.get(&target).await.problem(400);
    }
    // The size of a page may change on the way.
    client
        .get(&format!("/api/v1/workloads?limit=5&next_token={all}"))
        .await
        .expect(200);
}

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
        let sum = |rows: &[Value]| -> i64 {
            rows.iter().filter_map(|row| row[column].as_i64()).sum()
        };
        assert_eq!(sum(batches), sum(sources), "{column}");
    }
}

/// Times of CloudTrail are full seconds: from half a second before a full hour on, the calls are those from the hour on. Lists
/// read sums per hour for the one, and activities for the other.
#[tokio::test]
async fn lists_of_full_hours_and_of_other_times_agree() {
    let (_service, client) = shared().await;
    let ranges = [
        ("", "from=1970-01-01T00:00:00.5Z"),
        (
            "from=2026-05-01T14:00:00Z&to=2026-05-01T17:00:00Z",
            "from=2026-05-01T13:59:59.5Z&to=2026-05-01T16:59:59.5Z",
        ),
    ];
    let lists = [
        "/api/v1/workloads?limit=10000",
        "/api/v1/roles?limit=10000",
        "/api/v1/nodes?limit=10000",
        "/api/v1/timeline?limit=10000",
        "/api/v1/flows?limit=10000",
        "/api/v1/reports/denied?region=ap-northeast-2",
        "/api/v1/timeline?cluster=myeks&access_path=irsa&limit=10000",
    ];
    for list in lists {
        for (hours, other) in ranges {
            let summed = client.get(&format!("{list}&{hours}")).await.expect(200);
            let counted = client.get(&format!("{list}&{other}")).await.expect(200);
            let (summed, counted) = (sorted(&summed.items()), sorted(&counted.items()));
            assert!(!summed.is_empty(), "{list}&{hours}");
            assert_eq!(summed, counted, "{list}&{hours}");
        }
    }
    let details = ["/api/v1/workloads/myeks/shop/cart", "/api/v1/nodes/"];
    let nodes = client.get("/api/v1/nodes").await.expect(200).items();
    let node = nodes
        .iter()
        .find(|node| node["calls"].as_i64() > Some(100))
        .unwrap();
    for detail in details {
        let path = match detail {
            "/api/v1/nodes/" => format!("{detail}{}", node["node"].as_str().unwrap()),
            whole => whole.to_owned(),
        };
        for (hours, other) in ranges {
            let summed = client
                .get(&format!("{path}?{hours}"))
                .await
                .expect(200)
                .json();
            let counted = client
                .get(&format!("{path}?{other}"))
                .await
                .expect(200)
                .json();
            for member in ["roles", "actions", "hours"] {
                assert_eq!(
                    summed[member], counted[member],
                    "{member} of {path}?{hours}"
                );
            }
        }
    }
}

/// A short page is told from sums between which times it lies, a long one is whatever fits.
#[tokio::test]
async fn short_pages_of_events_are_the_begin_of_long_ones() {
    let (_service, client) = shared().await;
    let nodes = client.get("/api/v1/nodes").await.expect(200).items();
    let used = nodes.iter().find(|node| node["calls"].as_i64() > Some(100));
    let node = used.unwrap()["node"].as_str().unwrap().to_owned();
    let role = used.unwrap()["role_arn"].as_str().unwrap().to_owned();
    let filters = [
        String::new(),
        "&account=444455556666".to_owned(),
        "&event_source=sts.amazonaws.com&to=2026-05-01T15:30:30Z".to_owned(),
        "&cluster=myeks".to_owned(),
        "&access_path=irsa&namespace=shop&from=2026-05-01T13:20:00Z".to_owned(),
        "&confidence=candidate".to_owned(),
        format!("&node={node}"),
        format!("&role_arn={role}"),
    ];
    for filter in filters {
        let path = format!("/api/v1/events?limit=10000{filter}");
        let whole = client.get(&path).await.expect(200).items();
        assert!(!whole.is_empty(), "{filter}");
        let (mut shown, mut next) = (Vec::new(), String::new());
        for _ in 0..5 {
            let path = format!("/api/v1/events?limit=7{filter}{next}");
            let page = client.get(&path).await.expect(200);
            shown.extend(page.items());
            let Some(token) = page.json()["next_token"].as_str().map(str::to_owned) else {
                break;
            };
            next = format!("&next_token={token}");
        }
        assert_eq!(shown.len(), whole.len().min(35), "{filter}");
        assert_eq!(shown, whole[..shown.len()], "{filter}");
        let oldest = whole.last().unwrap();
        let id = oldest["event_id"].as_str().unwrap();
        let path = format!("/api/v1/events?limit=3&id={id}{filter}");
        let one = client.get(&path).await.expect(200).items();
        assert_eq!(one, std::slice::from_ref(oldest), "{path}");
    }
}

/// Years that nanoseconds cannot count are times as well: programs write them where they know none.
#[tokio::test]
async fn times_far_from_ours_take_no_list_away() {
    let own = OwnStore::of_demo();
    let times = ["0001-01-01T00:00:00Z", "3000-01-01T00:00:00Z"];
    let mut records: Vec<Value> = times.iter().map(|time| record(time, time)).collect();
    for time in times {
        let mut by_eks = record(&format!("eks {time}"), time);
        by_eks["userIdentity"] = json!({"type": "AWSService", "invokedBy": "eks.amazonaws.com"});
        records.push(by_eks);
    }
    own.ingest("far.json", &records);
    let service = Service::start(&own.store(), &[]).await;
    let client = service.client();
    for list in LISTS.iter().chain(&REPORTS) {
        assert!(
            !client.get(list).await.expect(200).items().is_empty(),
            "{list}"
        );
    }
    client.get("/api/v1/summary").await.expect(200);
    let newest = client
        .get("/api/v1/events?limit=2")
        .await
        .expect(200)
        .items();
    assert!(
        newest.iter().all(|row| row["event_time"] == times[1]),
        "{newest:?}"
    );
    let oldest = client
        .get("/api/v1/events?to=1000-01-01T00:00:00Z&access_path=cluster_role")
        .await
        .expect(200)
        .items();
    assert_eq!(oldest.len(), 1);
    assert_eq!(oldest[0]["event_id"], format!("eks {}", times[0]));
}
