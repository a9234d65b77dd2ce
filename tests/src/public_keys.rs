//! CloudTrail's `ListPublicKeys` in its recorded shape: the test key of all regions, after a page with another.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html>

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use serde_json::{Value, json};

use crate::endpoint::ACCOUNT;
use crate::http_server::{Reply, Request, Server};
use crate::trail;

/// Token of the page that has the test key.
const SECOND: &str = "page/2";

/// The running service.
#[derive(Debug)]
pub struct PublicKeys {
    server: Server,
    asked: Arc<Mutex<Vec<String>>>,
}

impl PublicKeys {
    /// Starts a service that gives its keys to everybody.
    pub fn start() -> Self {
        Self::answering(page)
    }

    /// Starts a service that gives its keys to nobody.
    pub fn denying() -> Self {
        Self::answering(|_| {
            let message = format!(
                "User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: cloudtrail:ListPublicKeys"
            );
            reply(
                400,
                &json!({"__type": "AccessDeniedException", "message": message}),
            )
        })
    }

    fn answering(answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&asked);
        let server = Server::start(move |request| {
            let target = request.header("x-amz-target");
            assert!(target.ends_with(".ListPublicKeys"), "{target}");
            noted.lock().unwrap().push(region(request));
            let asked: Value = serde_json::from_str(&request.body).unwrap();
            answer(&asked)
        });
        Self { server, asked }
    }

    /// URL of the service.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// The region of each request, in order.
    pub fn regions(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The region that a request is signed for.
fn region(request: &Request) -> String {
    // Credential=KEY/DATE/REGION/SERVICE/aws4_request
    let region = request.header("authorization").split('/').nth(2);
    region.unwrap_or_default().to_owned()
}

fn page(asked: &Value) -> Reply {
    let printed: Value = serde_json::from_str(&trail::public_keys()).unwrap();
    let mut key = printed["PublicKeyList"][0].clone();
    // As the protocol has times, in place of the command line.
    for time in ["ValidityStartTime", "ValidityEndTime"] {
        let text = key[time].as_str().unwrap();
        key[time] = json!(DateTime::parse_from_rfc3339(text).unwrap().timestamp());
    }
    let (from, to) = (asked["StartTime"].as_i64(), asked["EndTime"].as_i64());
    assert!(from.is_some() && from <= to, "{asked}");
    assert!(key["ValidityStartTime"].as_i64() <= from, "{asked}");
    assert!(to <= key["ValidityEndTime"].as_i64(), "{asked}");
    if asked["NextToken"] == SECOND {
        return reply(200, &json!({ "PublicKeyList": [key] }));
    }
    assert!(asked["NextToken"].is_null(), "{asked}");
    key["Fingerprint"] = json!("fedcba9876543210fedcba9876543210");
    key["Value"] = json!(STANDARD.encode("another key"));
    reply(200, &json!({"PublicKeyList": [key], "NextToken": SECOND}))
}

fn reply(status: u16, value: &Value) -> Reply {
    Reply::Whole(status, "application/x-amz-json-1.1", value.to_string())
}
