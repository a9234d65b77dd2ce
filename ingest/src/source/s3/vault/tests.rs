//! `ListPublicKeys` against a server that answers in its recorded shape.

use std::collections::VecDeque;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::source::testing::{Answer, Asked, Server, config};

/// 2026-11-22T09:00:00Z to 12:00:00Z, in seconds.
const FROM: i64 = 1_795_338_000;
const TO: i64 = FROM + 3 * 3_600;

/// CloudTrail with answers to give, and what it was asked.
#[derive(Debug, Clone, Default)]
struct Service {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Service {
    async fn start(&self) -> Server {
        let service = self.clone();
        Server::start(Arc::new(move |asked| {
            service.asked.lock().unwrap().push(asked);
            let answer = service.answers.lock().unwrap().pop_front();
            std::future::ready(answer.unwrap()).boxed()
        }))
        .await
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn key(fingerprint: &str, der: &[u8]) -> Value {
    json!({"Fingerprint": fingerprint, "Value": STANDARD.encode(der),
        "ValidityStartTime": 1_795_000_000, "ValidityEndTime": 1_796_000_000.5})
}

fn page(keys: &[Value], next: Option<&str>) -> Answer {
    let mut page = json!({ "PublicKeyList": keys });
    if let Some(next) = next {
        page["NextToken"] = json!(next);
    }
    Answer::Json(200, page)
}

fn denied() -> Answer {
    let message = "User: arn:aws:iam::111122223333:user/me is not authorized to perform: cloudtrail:ListPublicKeys";
    Answer::error(400, "AccessDeniedException", message)
}

/// Asks for the keys of a region that the configuration does not name, and gives what was asked, too.
async fn ask(answers: Vec<Answer>) -> (io::Result<Vec<PublicKey>>, Vec<Asked>) {
    let service = Service {
        answers: Arc::new(Mutex::new(answers.into())),
        ..Service::default()
    };
    let server = service.start().await;
    let span = Span {
        from: FROM * 1_000_000,
        to: TO * 1_000_000,
    };
    let ask = public_keys(config(&server.url));
    let keys = ask("eu-central-1".to_owned(), span).await;
    (keys, service.asked())
}

#[tokio::test]
async fn all_pages_of_keys_are_asked_for_in_the_region() {
    let nameless = json!({"Value": STANDARD.encode("of nobody")});
    let (keys, asked) = ask(vec![
        page(&[key("aa", b"first"), nameless], Some("2")),
        page(&[], Some("3")),
        page(&[key("bb", b"second")], None),
    ])
    .await;
    let known = [("aa", "first"), ("bb", "second")]
        .map(|(name, der)| PublicKey::new(name.to_owned(), der.as_bytes().to_vec()));
    assert_eq!(keys.unwrap(), known);
    let times = json!({"StartTime": FROM, "EndTime": TO});
    let bodies: Vec<Value> = asked.iter().map(Asked::json).collect();
    let mut wanted = vec![times; 3];
    wanted[1]["NextToken"] = json!("2");
    wanted[2]["NextToken"] = json!("3");
    assert_eq!(bodies, wanted);
    for request in &asked {
        assert_eq!(request.operation, "ListPublicKeys");
        assert_eq!(request.region, "eu-central-1");
    }
}

#[tokio::test]
async fn no_keys_are_an_answer() {
    let (keys, asked) = ask(vec![page(&[], None)]).await;
    assert_eq!((keys.unwrap(), asked.len()), (Vec::new(), 1));
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_told_with_region_and_permission() {
    let first = || page(&[key("aa", b"first")], Some("2"));
    for (answers, said) in [
        (
            vec![denied()],
            "allow the IAM action cloudtrail:ListPublicKeys",
        ),
        // What came before is not all.
        (vec![first(), denied()], "AccessDeniedException: User: arn"),
        (vec![first(), first()], "a page names itself as the next"),
    ] {
        let times = answers.len();
        let (keys, asked) = ask(answers).await;
        let error = keys.unwrap_err().to_string();
        let begin = "cannot ask for the public keys of eu-central-1: ";
        assert!(error.starts_with(begin) && error.contains(said), "{error}");
        assert_eq!(asked.len(), times, "{error}");
    }
}
