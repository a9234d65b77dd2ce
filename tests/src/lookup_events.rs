//! CloudTrail's `LookupEvents` in its recorded shape, over records in memory: pages with tokens, times that take their
//! end in, one attribute, and two requests a second. Also the operation of STS that says whose credentials are.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use chrono::DateTime;
use serde_json::{Value, json};

use crate::endpoint::ACCOUNT;
use crate::http_server::{Reply, Request, Server};

/// Most events of a page.
const PAGE: u64 = 50;

/// Two requests a second: a request is refused where more than one is ahead of this pace.
const INTERVAL: Duration = Duration::from_millis(500);

/// What comes in place of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The service asks for fewer requests.
    Throttled,
    /// The service has a fault.
    Failed,
    /// The connection ends without an answer.
    Reset,
    /// The caller lacks the permission.
    Denied,
    /// No page token that was given so far is taken any more.
    Expired,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Value>,
    /// By the number of the request, from 0.
    faults: VecDeque<Option<Fault>>,
    /// Of the requests after those.
    always: Option<Fault>,
    credentials_refused: bool,
    asked: Vec<Value>,
    /// Tokens are good in the one that they were given in.
    generation: u64,
    due: Option<Instant>,
}

/// The running service.
#[derive(Debug)]
pub struct LookupEvents {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl LookupEvents {
    /// Starts the service with a history of records.
    pub fn start(records: Vec<Value>) -> Self {
        let state = Arc::new(Mutex::new(State {
            records,
            ..State::default()
        }));
        let served = Arc::clone(&state);
        let server = Server::start(move |request| served.lock().unwrap().answer(request));
        Self { server, state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// URL of the service.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Adds a record to the history.
    pub fn add(&self, record: Value) {
        self.lock().records.push(record);
    }

    /// What comes in place of the next pages; a page where it says nothing.
    pub fn disturb(&self, faults: &[Option<Fault>]) {
        self.lock().faults.extend(faults);
    }

    /// What comes in place of all further pages.
    pub fn always(&self, fault: Option<Fault>) {
        self.lock().always = fault;
    }

    /// From here on, the credentials are unknown.
    pub fn refuse_credentials(&self) {
        self.lock().credentials_refused = true;
    }

    /// The bodies of the requests for pages, without those that came too fast; they are forgotten here.
    pub fn asked(&self) -> Vec<Value> {
        std::mem::take(&mut self.lock().asked)
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        if !request.header("x-amz-target").ends_with(".LookupEvents") {
            return self.caller_identity();
        }
        if self.is_too_fast() {
            return throttled();
        }
        let asked: Value = serde_json::from_str(&request.body).unwrap();
        self.asked.push(asked.clone());
        match self.faults.pop_front().flatten().or(self.always) {
            None => {}
            Some(Fault::Throttled) => return throttled(),
            Some(Fault::Failed) => return refusal(500, "InternalFailure", "try again later"),
            Some(Fault::Reset) => return Reply::Reset,
            Some(Fault::Denied) => {
                let message = format!(
                    "User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: cloudtrail:LookupEvents \
                     because no identity-based policy allows the cloudtrail:LookupEvents action"
                );
                return refusal(400, "AccessDeniedException", &message);
            }
            Some(Fault::Expired) => self.generation += 1,
        }
        self.page(&asked)
    }

    fn is_too_fast(&mut self) -> bool {
        let now = Instant::now();
        let due = self.due.map_or(now, |due| due.max(now));
        if due - now > INTERVAL {
            return true;
        }
        self.due = Some(due + INTERVAL);
        false
    }

    fn page(&self, asked: &Value) -> Reply {
        let most = asked["MaxResults"].as_u64().unwrap_or(PAGE);
        if most == 0 || most > PAGE {
            return refusal(400, "InvalidMaxResultsException", "between 1 and 50");
        }
        let most = usize::try_from(most).unwrap();
        let mut first = 0;
        if let Some(token) = asked["NextToken"].as_str() {
            let known = token.strip_prefix(&format!("page/{}/", self.generation));
            let Some(number) = known.and_then(|number| number.parse::<usize>().ok()) else {
                return refusal(400, "InvalidNextTokenException", "Invalid token");
            };
            first = number;
        }
        let from = asked["StartTime"].as_i64().unwrap_or(i64::MIN);
        let to = asked["EndTime"].as_i64().unwrap_or(i64::MAX);
        let attribute = &asked["LookupAttributes"][0];
        let mut found: Vec<(i64, Value)> = self
            .records
            .iter()
            .map(|record| (seconds(record), event(record)))
            .filter(|(time, event)| (from..=to).contains(time) && has(event, attribute))
            .collect();
        // The newest come first.
        found.sort_by_key(|(time, _)| Reverse(*time));
        let events: Vec<&Value> = found
            .iter()
            .skip(first)
            .take(most)
            .map(|(_, event)| event)
            .collect();
        let mut answer = json!({ "Events": events });
        let next = first + most;
        if next < found.len() {
            answer["NextToken"] = json!(format!("page/{}/{next}", self.generation));
        }
        Reply::Whole(200, "application/x-amz-json-1.1", answer.to_string())
    }

    fn caller_identity(&self) -> Reply {
        let place = "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"";
        if self.credentials_refused {
            let text = format!(
                "<ErrorResponse {place}><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>\
                 <Message>The security token included in the request is invalid.</Message></Error>\
                 <RequestId>00000000-0000-4000-8000-000000000001</RequestId></ErrorResponse>"
            );
            return Reply::xml(403, text);
        }
        let text = format!(
            "<GetCallerIdentityResponse {place}><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{ACCOUNT}:user/reader</Arn><UserId>AIDAEXAMPLE000000001</UserId>\
             <Account>{ACCOUNT}</Account></GetCallerIdentityResult><ResponseMetadata>\
             <RequestId>00000000-0000-4000-8000-000000000002</RequestId></ResponseMetadata>\
             </GetCallerIdentityResponse>"
        );
        Reply::xml(200, text)
    }
}

fn throttled() -> Reply {
    refusal(400, "ThrottlingException", "Rate exceeded")
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({"__type": code, "message": message}).to_string();
    Reply::Whole(status, "application/x-amz-json-1.1", body)
}

/// Time of a record, in seconds since the epoch.
fn seconds(record: &Value) -> i64 {
    let text = record["eventTime"].as_str().unwrap();
    DateTime::parse_from_rfc3339(text).unwrap().timestamp()
}

/// A record as `LookupEvents` shows it: one that issued credentials lists the access key among its resources.
fn event(record: &Value) -> Value {
    let mut resources = Vec::new();
    if let Some(key) = record.pointer("/responseElements/credentials/accessKeyId") {
        resources.push(json!({"ResourceType": "AWS::IAM::AccessKey", "ResourceName": key}));
    }
    for resource in record["resources"].as_array().into_iter().flatten() {
        resources.push(json!({"ResourceType": resource["type"], "ResourceName": resource["ARN"]}));
    }
    json!({
        "EventId": record["eventID"], "EventName": record["eventName"], "EventSource": record["eventSource"],
        "EventTime": seconds(record), "ReadOnly": record["readOnly"].to_string(), "Username": "session",
        "AccessKeyId": record["userIdentity"]["accessKeyId"], "Resources": resources,
        "CloudTrailEvent": record.to_string(),
    })
}

/// Whether an event has the attribute that is asked for, if one is.
fn has(event: &Value, attribute: &Value) -> bool {
    if attribute.is_null() {
        return true;
    }
    assert_eq!(attribute["AttributeKey"], "ResourceName");
    let resources = event["Resources"].as_array();
    resources
        .into_iter()
        .flatten()
        .any(|resource| resource["ResourceName"] == attribute["AttributeValue"])
}
