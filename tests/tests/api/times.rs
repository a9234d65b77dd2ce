//! Bounds of time.

use podtrail_tests::service::{OwnStore, Service};
use serde_json::{Value, json};

use super::{LISTS, REPORTS, record, shared, sorted};

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
