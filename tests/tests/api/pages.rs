//! Pages of lists, and their tokens.

use std::collections::BTreeSet;

use podtrail_tests::forms::{NDJSON, ndjson};
use podtrail_tests::service::{Answer, Client, OwnStore, Service, eventually};
use serde_json::{Value, json};

use super::{LISTS, record, shared};

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
