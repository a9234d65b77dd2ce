//! `LookupEvents` over events in memory, and the two operations of STS that credentials need.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use serde_json::{Value, json};

use crate::source::testing::{Answer, Asked, Server};

/// One event of the history.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) time: i64,
    pub(super) id: String,
    /// `None` where the answer lacks it.
    pub(super) text: Option<String>,
    /// The access key that it issued.
    pub(super) issued: Option<String>,
}

/// What goes wrong before a page.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    None,
    Answer(Answer),
    /// All tokens given so far are good no more.
    Expire,
    /// The page after this one is this one.
    Loop,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    /// By the number of the request, from 0.
    faults: VecDeque<Fault>,
    asked: Vec<Asked>,
    generation: usize,
    always_expire: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Service(Arc<Mutex<State>>);

/// A record of the made-up account, as text.
pub(super) fn record(id: &str, time: i64) -> String {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "AssumedRole", "accountId": "111122223333", "accessKeyId": "ASIAEXAMPLE000000009"},
        "eventTime": super::super::instant(time),
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-sdk-go-v2/1.42.1",
        "requestParameters": {},
        "responseElements": null,
        "requestID": "0d6a1c3e-1111-2222-3333-444455556666",
        "eventID": id,
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management"
    })
    .to_string()
}

impl Service {
    pub(super) async fn start(&self) -> Server {
        let service = self.clone();
        Server::start(Arc::new(move |asked| {
            std::future::ready(service.answer(&asked)).boxed()
        }))
        .await
    }

    /// So many events, from `start` on, `apart` seconds apart. Gives their texts, oldest first.
    pub(super) fn fill(&self, count: i64, start: i64, apart: i64) -> Vec<String> {
        let mut state = self.0.lock().unwrap();
        let mut texts = Vec::new();
        for number in 0..count {
            let time = start + number * apart;
            let id = format!("00000000-0000-4000-8000-{:012}", time * 1_000 + number);
            let text = record(&id, time);
            texts.push(text.clone());
            state.events.push(Event {
                time,
                id,
                text: Some(text),
                issued: None,
            });
        }
        texts
    }

    pub(super) fn push(&self, event: Event) {
        self.0.lock().unwrap().events.push(event);
    }

    /// What goes wrong at the first, second, … request.
    pub(super) fn disturb(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().unwrap().faults.extend(faults);
    }

    pub(super) fn always_expire(&self) {
        self.0.lock().unwrap().always_expire = true;
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let mut state = self.0.lock().unwrap();
        state.asked.push(asked.clone());
        if asked.operation.is_empty() {
            return sts(&asked.body);
        }
        assert_eq!(asked.operation, "LookupEvents");
        let fault = state.faults.pop_front().unwrap_or(Fault::None);
        match &fault {
            Fault::Answer(answer) => return answer.clone(),
            Fault::Expire => state.generation += 1,
            Fault::Loop | Fault::None => {}
        }
        state.page(&asked.json(), matches!(fault, Fault::Loop))
    }
}

impl State {
    fn page(&mut self, request: &Value, repeats: bool) -> Answer {
        let token = request["NextToken"].as_str();
        let first = match token {
            None => 0,
            Some(token) => {
                let prefix = format!("token-{}-", self.generation);
                let Some(first) = token.strip_prefix(&prefix) else {
                    return Answer::error(400, "InvalidNextTokenException", "invalid next token");
                };
                if self.always_expire {
                    return Answer::error(400, "InvalidNextTokenException", "expired");
                }
                first.parse().unwrap()
            }
        };
        let wanted = |event: &&Event| {
            let from = request["StartTime"].as_f64().unwrap_or(f64::MIN);
            let to = request["EndTime"].as_f64().unwrap_or(f64::MAX);
            #[allow(clippy::cast_precision_loss)]
            let time = event.time as f64;
            let resource = match request["LookupAttributes"][0]["AttributeKey"].as_str() {
                None => true,
                Some("ResourceName") => {
                    request["LookupAttributes"][0]["AttributeValue"].as_str()
                        == event.issued.as_deref()
                }
                Some(other) => panic!("unexpected {other}"),
            };
            from <= time && time <= to && resource
        };
        let mut found: Vec<&Event> = self.events.iter().filter(wanted).collect();
        // The newest come first.
        found.sort_by_key(|event| std::cmp::Reverse(event.time));
        let most = usize::try_from(request["MaxResults"].as_u64().unwrap()).unwrap();
        assert!(most <= 50);
        let events: Vec<Value> = found
            .iter()
            .skip(first)
            .take(most)
            .map(|event| show(event))
            .collect();
        let mut answer = json!({ "Events": events });
        if repeats {
            answer["NextToken"] = json!(token.unwrap());
        } else if first + most < found.len() {
            answer["NextToken"] = json!(format!("token-{}-{}", self.generation, first + most));
        }
        Answer::Json(200, answer)
    }
}

fn show(event: &Event) -> Value {
    let mut shown = json!({
        "EventId": event.id,
        "EventName": "DescribeInstances",
        "ReadOnly": "true",
        "AccessKeyId": "ASIAEXAMPLE000000009",
        "EventTime": event.time,
        "EventSource": "ec2.amazonaws.com",
        "Username": "session",
        "Resources": [],
    });
    if let Some(text) = &event.text {
        shown["CloudTrailEvent"] = json!(text);
    }
    if let Some(issued) = &event.issued {
        shown["Resources"] =
            json!([{"ResourceType": "AWS::IAM::AccessKey", "ResourceName": issued}]);
    }
    shown
}

fn sts(body: &str) -> Answer {
    let result = if body.contains("Action=GetCallerIdentity") {
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::111122223333:user/me</Arn><UserId>AIDAEXAMPLE000000001</UserId><Account>111122223333</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    } else {
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><Arn>arn:aws:sts::444455556666:assumed-role/podtrail/podtrail</Arn><AssumedRoleId>AROAEXAMPLE000000001:podtrail</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>ASIAEXAMPLEASSUMED01</AccessKeyId><SecretAccessKey>not-a-secret</SecretAccessKey><SessionToken>not-a-token</SessionToken><Expiration>2036-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    };
    Answer::Xml(result.to_owned())
}
