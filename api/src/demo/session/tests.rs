use serde_json::Value;

use super::super::account::Account;
use super::super::rng::Rng;
use super::*;

fn session(kind: SessionKind) -> Rc<Session> {
    let account = Account::new(0, "111122223333", &mut Rng::new(1));
    Session::new(NewSession {
        role: Role::new(&account, "/team/", "reader"),
        name: "s-1".to_owned(),
        key: "ASIAAAAAAAAAAAAAAAAA".to_owned(),
        created: 1_710_318_933,
        expires: 1_710_322_533,
        kind,
        issued_by: None,
    })
}

fn identity(session: &Session, version: &str) -> Value {
    serde_json::from_str(session.identity(Dialect::of(version))).unwrap()
}

#[test]
fn the_session_arn_drops_the_path_and_the_issuer_keeps_it() {
    let identity = identity(&session(SessionKind::default()), "1.09");
    assert_eq!(
        identity["arn"],
        "arn:aws:sts::111122223333:assumed-role/reader/s-1"
    );
    let issuer = &identity["sessionContext"]["sessionIssuer"];
    assert_eq!(issuer["arn"], "arn:aws:iam::111122223333:role/team/reader");
}

#[test]
fn only_old_versions_write_an_empty_federation() {
    let plain = session(SessionKind::default());
    let member = |version| {
        identity(&plain, version)["sessionContext"]
            .get("webIdFederationData")
            .cloned()
    };
    assert_eq!(member("1.08"), Some(serde_json::json!({})));
    assert_eq!(member("1.09"), None);
    let provider = Some(Rc::from("arn:aws:iam::1:oidc-provider/p"));
    let federated = session(SessionKind {
        federated: provider,
        ..SessionKind::default()
    });
    for version in ["1.08", "1.10", "1.11"] {
        let data = &identity(&federated, version)["sessionContext"]["webIdFederationData"];
        assert_eq!(data["attributes"], serde_json::json!({}));
        assert_eq!(data["federatedProvider"], "arn:aws:iam::1:oidc-provider/p");
    }
}

#[test]
fn forwarded_calls_say_who_forwards() {
    let plain = session(SessionKind::default());
    let text = plain.invoked_by(Dialect::V08, "ASIAB", "kms.amazonaws.com");
    let identity: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(identity["accessKeyId"], "ASIAB");
    assert_eq!(identity["invokedBy"], "kms.amazonaws.com");
}
