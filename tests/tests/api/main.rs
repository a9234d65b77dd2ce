//! The HTTP API of the real service: forms, pages, filters, tags, errors, headers.
#![allow(clippy::unwrap_used)]

mod details;
mod filters;
mod forms;
mod http;
mod pages;
mod times;

use std::sync::Arc;

use podtrail_tests::service::{Client, Service, Shared};
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

/// An event of the demo's time and account that nobody of a cluster made, with texts that a spreadsheet would take for
/// formulas.
fn record(id: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": id, "eventTime": time,
        "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "awsRegion": "ap-northeast-2",
        "sourceIPAddress": "198.51.100.7", "userAgent": "=cmd|' /C calc'!A0",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "@alice",
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
