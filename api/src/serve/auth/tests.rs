use chrono::TimeDelta;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

#[test]
fn credentials_are_taken_out_of_headers() {
    let long = format!("Bearer {}", "x".repeat(MOST_CREDENTIAL_BYTES + 1));
    for (value, wanted) in [
        ("Bearer abc", Ok("abc")),
        ("bearer abc", Ok("abc")),
        ("BEARER   a.b-c_d~e+f/g==  ", Ok("a.b-c_d~e+f/g==")),
        ("", Err(Denied::Missing)),
        ("Bearer", Err(Denied::Missing)),
        ("Bearer ", Err(Denied::Missing)),
        ("abc", Err(Denied::Missing)),
        ("Basic YTpi", Err(Denied::Missing)),
        ("Bearerabc def", Err(Denied::Missing)),
        ("Bearer a b", Err(Denied::Malformed)),
        ("Bearer a,Bearer b", Err(Denied::Malformed)),
        ("Bearer a\tb", Err(Denied::Malformed)),
        ("Bearer é", Err(Denied::Malformed)),
        (&long, Err(Denied::Malformed)),
    ] {
        assert_eq!(bearer(value.as_bytes()), wanted, "{value}");
    }
    assert_eq!(bearer(b"Bearer \xff"), Err(Denied::Malformed));
}

#[test]
fn passwords_are_credentials_too() {
    // ci:abc, :a.b-c, ci:a:b, ci:, ci
    for (value, wanted) in [
        ("Basic Y2k6YWJj", Ok("abc")),
        ("basic  OmEuYi1j ", Ok("a.b-c")),
        ("Bearer abc", Ok("abc")),
        ("Basic Y2k6YTpi", Err(Denied::Malformed)),
        ("Basic Y2k6", Err(Denied::Missing)),
        ("Basic Y2k=", Err(Denied::Malformed)),
        ("Basic *", Err(Denied::Malformed)),
        ("Basic", Err(Denied::Missing)),
        ("Digest abc", Err(Denied::Missing)),
    ] {
        let wanted = wanted.map(str::to_owned);
        assert_eq!(password(value.as_bytes()), wanted, "{value}");
    }
}

#[test]
fn callers_cannot_tell_why_a_token_is_refused() {
    for denied in [
        Denied::Malformed,
        Denied::Unknown,
        Denied::Expired,
        Denied::Revoked,
    ] {
        assert_eq!(denied.shown(), "invalid token");
    }
    let unavailable = Denied::Unavailable("GET https://internal: refused".to_owned());
    assert!(!unavailable.shown().contains("internal"));
}

#[tokio::test]
async fn tokens_follow_the_file_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.jsonl");
    let file = TokenFile::open(&path).unwrap();
    let scopes = Scopes::from_iter([Scope::Sql]);
    let (record, secret) = file.create("ci", scopes, None, now()).unwrap();
    let tokens = Tokens::load(&path, now()).unwrap();
    let all = Authenticator::new(Some(tokens), None);
    assert!(!all.is_empty());

    let principal = all.authenticate(secret.expose(), now()).await.unwrap();
    assert_eq!(principal.name, format!("{} ci", record.id));
    assert_eq!(principal.scopes, scopes);

    file.revoke(&record.id, now()).unwrap();
    for (milliseconds, wanted) in [(0, None), (999, None), (1_000, Some(Denied::Revoked))] {
        let time = now() + TimeDelta::milliseconds(milliseconds);
        let denied = all.authenticate(secret.expose(), time).await.err();
        assert_eq!(denied, wanted, "{milliseconds}");
    }
    assert_eq!(all.problems(), [""; 0]);
    std::fs::remove_file(&path).unwrap();
    let later = now() + TimeDelta::seconds(2);
    let denied = all.authenticate(secret.expose(), later).await.err();
    assert_eq!(denied, Some(Denied::Revoked));
    assert_eq!(all.problems().len(), 1);
}

#[tokio::test]
async fn what_is_not_configured_is_refused() {
    let nothing = Authenticator::new(None, None);
    assert!(nothing.is_empty());
    let token = format!("podtrail_abcd2345_{}", "A".repeat(43));
    let long = "x".repeat(MOST_CREDENTIAL_BYTES + 1);
    for (credential, wanted) in [
        ("", Denied::Missing),
        (&token, Denied::Unknown),
        ("a.b.c", Denied::Unknown),
        (&long, Denied::Malformed),
    ] {
        let denied = nothing.authenticate(credential, now()).await.unwrap_err();
        assert_eq!(denied, wanted, "{credential}");
        assert!(credential.is_empty() || !denied.to_string().contains(credential));
    }
}
