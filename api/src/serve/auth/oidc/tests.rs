mod issuer;

use std::iter::once;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::super::Scopes;
use super::*;
use issuer::{DISCOVERY, Issuer as Server, JWKS, Signer, message, text};

fn at(seconds: i64) -> DateTime<Utc> {
    // Far from the time of any machine: nothing may look at its clock.
    DateTime::from_timestamp(4_000_000_000 + seconds, 0).unwrap()
}

fn config(issuer: &str) -> OidcConfig {
    serde_json::from_value(json!({
        "issuer": issuer,
        "audience": ["podtrail", "podtrail-dev"],
        "groups": {"analysts": "sql"},
    }))
    .unwrap()
}

fn oidc(server: &Server) -> Oidc {
    Oidc::new(config(&server.url)).unwrap()
}

fn claims(server: &Server) -> Value {
    json!({
        "iss": server.url,
        "aud": "podtrail",
        "sub": "ann",
        "exp": at(600).timestamp(),
        "groups": ["analysts"],
    })
}

fn header(alg: &str, kid: &str) -> Value {
    json!({"alg": alg, "kid": kid, "typ": "JWT"})
}

/// `claims` with another value for a claim; without it for null.
fn with(mut claims: Value, name: &str, value: Value) -> Value {
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

/// Waits for the end of what asks the issuer now.
async fn settled(oidc: &Oidc) {
    drop(oidc.0.asking.lock().await);
}

#[tokio::test]
async fn tokens_of_every_kind_of_key_are_accepted() {
    let signers = [
        ("RS256", Signer::rs256()),
        ("PS512", Signer::ps512()),
        ("ES256", Signer::es256()),
        ("ES384", Signer::es384()),
        ("EdDSA", Signer::eddsa()),
    ];
    let keys: Vec<_> = signers
        .iter()
        .map(|(alg, signer)| signer.jwk(alg))
        .collect();
    let server = Server::start(&keys).await;
    let oidc = oidc(&server);
    for (alg, signer) in &signers {
        for aud in [json!("podtrail"), json!(["other", "podtrail-dev"])] {
            let claims = with(claims(&server), "aud", aud);
            let token = signer.sign(&header(alg, alg), &claims);
            let principal = oidc.authenticate(&token, at(0)).await.unwrap();
            assert_eq!(principal.name, format!("{} ann", server.url));
            assert_eq!(principal.scopes, Scopes::from_iter([Scope::Sql]));
            assert_eq!(principal.expires_at, Some(at(660)));
        }
    }
    assert_eq!(server.asked(), 2);
    assert_eq!(oidc.problem(), None);
}

#[tokio::test]
async fn claims_that_do_not_fit_are_refused() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("a")]).await;
    let oidc = oidc(&server);
    let good = claims(&server);
    let other = "https://login.example.org";
    let slash = format!("{}/", server.url);
    for (claim, value, seconds, wanted) in [
        ("iss", json!(other), 0, Denied::Unknown),
        ("iss", json!(slash), 0, Denied::Unknown),
        ("iss", json!(null), 0, Denied::Malformed),
        ("aud", json!("other"), 0, Denied::Unknown),
        ("aud", json!(["other"]), 0, Denied::Unknown),
        ("aud", json!([]), 0, Denied::Unknown),
        ("aud", json!(null), 0, Denied::Malformed),
        ("sub", json!(null), 0, Denied::Malformed),
        ("exp", json!(null), 0, Denied::Malformed),
        ("exp", json!("never"), 0, Denied::Malformed),
        ("exp", json!(at(-60).timestamp()), 0, Denied::Expired),
        ("nbf", json!(at(61).timestamp()), 0, Denied::Expired),
        ("jti", json!("same"), 660, Denied::Expired),
    ] {
        let token = signer.sign(
            &header("ES256", "a"),
            &with(good.clone(), claim, value.clone()),
        );
        let denied = oidc.authenticate(&token, at(seconds)).await.unwrap_err();
        assert_eq!(denied, wanted, "{claim}: {value}");
    }
    let nobody = with(good, "groups", json!(["staff"]));
    let token = signer.sign(&header("ES256", "a"), &nobody);
    let principal = oidc.authenticate(&token, at(0)).await.unwrap();
    assert!(principal.scopes.is_empty());
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_issuer_is_as_the_issuer_has_it() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("a")]).await;
    let slash = format!("{}/", server.url);
    for (configured, own, other) in [
        (&server.url, &slash, &server.url),
        (&slash, &server.url, &slash),
    ] {
        let discovery = json!({"issuer": own, "jwks_uri": format!("{}{JWKS}", server.url)});
        server.answer(DISCOVERY, ("200 OK", String::new(), discovery.to_string()));
        let oidc = Oidc::new(config(configured)).unwrap();
        for (issuer, wanted) in [(own, Ok(())), (other, Err(Denied::Unknown))] {
            let claims = with(claims(&server), "iss", json!(issuer));
            let token = signer.sign(&header("ES256", "a"), &claims);
            let result = oidc.authenticate(&token, at(0)).await.map(|_| ());
            assert_eq!(result, wanted, "{configured}: {issuer}");
        }
    }
}

#[tokio::test]
async fn no_clock_counts_but_the_callers() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("a")]).await;
    let oidc = oidc(&server);
    // Long before this was written, and long after.
    for seconds in [-3_000_000_000, 0] {
        let times = json!(at(seconds).timestamp());
        let claims = with(claims(&server), "exp", times.clone());
        let token = signer.sign(&header("ES256", "a"), &with(claims, "nbf", times));
        assert!(
            oidc.authenticate(&token, at(seconds)).await.is_ok(),
            "{seconds}"
        );
    }
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (rsa, ec, stranger) = (Signer::rs256(), Signer::es256(), Signer::es256());
    let server = Server::start(&[rsa.jwk("rsa"), ec.jwk("ec")]).await;
    let oidc = oidc(&server);
    let claims = claims(&server);
    let good = ec.sign(&header("ES256", "ec"), &claims);
    assert!(oidc.authenticate(&good, at(0)).await.is_ok());

    let (body, signature) = good.rsplit_once('.').unwrap();
    let raised = message(
        &header("ES256", "ec"),
        &with(claims.clone(), "sub", json!("root")),
    );
    let none = message(&header("none", "ec"), &claims);
    let hmac_header = header("HS256", "rsa");
    let symmetric = message(&hmac_header, &claims);
    let public = rsa.jwk("rsa").to_string();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes());
    let symmetric_signature = text(hmac::sign(&secret, symmetric.as_bytes()).as_ref());
    let critical = json!({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": false});
    let long = with(
        claims.clone(),
        "pad",
        json!("x".repeat(MOST_CREDENTIAL_BYTES)),
    );
    let (unknown, malformed) = (Denied::Unknown, Denied::Malformed);
    for (what, token, wanted) in [
        ("other claims", format!("{raised}.{signature}"), &unknown),
        (
            "another's key",
            stranger.sign(&header("ES256", "ec"), &claims),
            &unknown,
        ),
        ("no signature", format!("{body}."), &unknown),
        (
            "a key of another kind",
            ec.sign(&header("RS256", "ec"), &claims),
            &unknown,
        ),
        (
            "another kind's key",
            rsa.sign(&header("ES256", "rsa"), &claims),
            &unknown,
        ),
        (
            "another padding",
            rsa.sign(&header("PS256", "rsa"), &claims),
            &unknown,
        ),
        ("none", format!("{none}."), &malformed),
        (
            "none, signed",
            ec.sign(&header("none", "ec"), &claims),
            &malformed,
        ),
        (
            "HS256",
            format!("{symmetric}.{symmetric_signature}"),
            &malformed,
        ),
        ("critical", ec.sign(&critical, &claims), &malformed),
        ("long", ec.sign(&header("ES256", "ec"), &long), &malformed),
        ("no JWT", "a.b.c".to_owned(), &malformed),
        ("two parts", "a.b".to_owned(), &malformed),
        ("JWE", format!("{good}.x.y"), &malformed),
        ("empty", String::new(), &malformed),
        ("not base64", format!("{body}.*"), &malformed),
    ] {
        let denied = oidc.authenticate(&token, at(0)).await.unwrap_err();
        assert_eq!(&denied, wanted, "{what}");
        assert!(
            token.is_empty() || !denied.to_string().contains(&token),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_new_key_is_found_within_a_minute() {
    let (old, new) = (Signer::es256(), Signer::es256());
    let server = Server::start(&[old.jwk("old")]).await;
    let oidc = oidc(&server);
    let claims = with(claims(&server), "exp", json!(at(9_000).timestamp()));
    let before = old.sign(&header("ES256", "old"), &claims);
    let after = new.sign(&header("ES256", "new"), &claims);
    assert!(oidc.authenticate(&before, at(0)).await.is_ok());

    server.up(&[new.jwk("new")]);
    for (seconds, token, wanted, asked) in [
        (0, &after, Err(Denied::Unknown), 2),
        (59, &after, Err(Denied::Unknown), 2),
        (59, &before, Ok(()), 2),
        (60, &after, Ok(()), 4),
        // What the issuer withdrew is refused, and asking for it has a bound.
        (61, &before, Err(Denied::Unknown), 4),
        (120, &before, Err(Denied::Unknown), 6),
        (121, &before, Err(Denied::Unknown), 6),
        (121, &after, Ok(()), 6),
    ] {
        let result = oidc.authenticate(token, at(seconds)).await.map(|_| ());
        assert_eq!(result, wanted, "{seconds}");
        assert_eq!(server.asked(), asked, "{seconds}");
    }
}

#[tokio::test]
async fn keys_stay_while_the_issuer_is_down() {
    let (signer, new) = (Signer::es256(), Signer::es256());
    let server = Server::start(&[signer.jwk("a")]).await;
    let oidc = oidc(&server);
    let claims = with(claims(&server), "exp", json!(at(90_000).timestamp()));
    let token = signer.sign(&header("ES256", "a"), &claims);
    assert!(oidc.authenticate(&token, at(0)).await.is_ok());
    assert!(oidc.authenticate(&token, at(3_599)).await.is_ok());
    settled(&oidc).await;
    assert_eq!(server.asked(), 2);

    server.down();
    assert!(oidc.authenticate(&token, at(3_600)).await.is_ok());
    server.wait_for(3).await;
    settled(&oidc).await;
    let problem = oidc.problem().unwrap();
    assert!(problem.contains(DISCOVERY), "{problem}");
    let asked = server.asked();
    assert!(oidc.authenticate(&token, at(3_659)).await.is_ok());
    let stranger = new.sign(&header("ES256", "b"), &claims);
    let denied = oidc.authenticate(&stranger, at(3_659)).await.unwrap_err();
    assert_eq!(denied, Denied::Unavailable(problem));
    assert_eq!(server.asked(), asked);

    // Back again, with another key: noticed by a token of the old one.
    server.up(&[new.jwk("b")]);
    assert!(oidc.authenticate(&token, at(3_660)).await.is_ok());
    server.wait_for(asked + 2).await;
    settled(&oidc).await;
    assert_eq!(oidc.problem(), None);
    assert!(oidc.authenticate(&stranger, at(3_661)).await.is_ok());
    assert_eq!(
        oidc.authenticate(&token, at(3_661)).await,
        Err(Denied::Unknown)
    );
}

#[tokio::test]
async fn an_issuer_may_come_up_later() {
    let signer = Signer::es256();
    let server = Server::start(&[]).await;
    server.down();
    let oidc = oidc(&server);
    let token = signer.sign(&header("ES256", "a"), &claims(&server));
    let unavailable = |result| matches!(result, Err(Denied::Unavailable(_)));
    assert!(unavailable(oidc.authenticate(&token, at(0)).await));
    server.up(&[signer.jwk("a")]);
    let asked = server.asked();
    assert!(unavailable(oidc.authenticate(&token, at(9)).await));
    assert_eq!(server.asked(), asked);
    assert!(oidc.authenticate(&token, at(10)).await.is_ok());
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_stop_what_others_wait_for() {
    let signer = Signer::es256();
    let server = Server::start(&[signer.jwk("a")]).await;
    let oidc = oidc(&server);
    let token = signer.sign(&header("ES256", "a"), &claims(&server));
    let closed = Arc::clone(&server.gate).acquire_owned().await.unwrap();
    tokio::select! {
        biased;
        _ = oidc.authenticate(&token, at(0)) => panic!("answered without keys"),
        () = server.wait_for(1) => {}
    }
    drop(closed);
    assert!(oidc.authenticate(&token, at(0)).await.is_ok());
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn key_sets_are_taken_as_far_as_they_are_understood() {
    let (signer, other) = (Signer::es256(), Signer::es256());
    let marked = |field: &str, value: Value| with(other.jwk("b"), field, value);
    let server = Server::start(&[
        json!({"kty": "oct", "kid": "b", "k": "c2VjcmV0"}),
        json!({"kty": "AKP", "kid": "b", "pub": "AA"}),
        json!("nonsense"),
        marked("use", json!("enc")),
        marked("key_ops", json!(["sign"])),
        marked("alg", json!("ES384")),
        marked("crv", json!("P-521")),
        signer.jwk("a"),
    ])
    .await;
    let oidc = oidc(&server);
    let claims = claims(&server);
    let nameless = json!({"alg": "ES256"});
    let token = signer.sign(&nameless, &claims);
    assert!(oidc.authenticate(&token, at(0)).await.is_ok());
    let token = other.sign(&header("ES256", "b"), &claims);
    assert_eq!(oidc.authenticate(&token, at(0)).await, Err(Denied::Unknown));

    server.up(&[signer.jwk("a"), other.jwk("b")]);
    let token = other.sign(&header("ES256", "b"), &claims);
    assert!(oidc.authenticate(&token, at(60)).await.is_ok());
    let token = signer.sign(&nameless, &claims);
    assert_eq!(
        oidc.authenticate(&token, at(60)).await,
        Err(Denied::Unknown)
    );
}

#[tokio::test]
async fn answers_that_cannot_be_trusted_are_not_used() {
    let signer = Signer::es256();
    let keys = [signer.jwk("a")];
    let server = Server::start(&keys).await;
    let stranger = Server::start(&keys).await;
    let token = signer.sign(&header("ES256", "a"), &claims(&server));
    let url = &server.url;
    let discovery =
        |issuer: &str, keys: &str| json!({"issuer": issuer, "jwks_uri": keys}).to_string();
    let to = |place: String| ("302 Found", format!("Location: {place}\r\n"), String::new());
    let ok = |body: String| ("200 OK", String::new(), body);
    for (path, answer, wanted) in [
        (
            DISCOVERY,
            ok(discovery(&stranger.url, url)),
            "it calls itself",
        ),
        (
            DISCOVERY,
            ok(discovery(url, "http://example.com/keys")),
            "is not https",
        ),
        (DISCOVERY, ok(discovery(url, "/keys")), "is not a URL"),
        (DISCOVERY, ok("{}".to_owned()), "missing field `issuer`"),
        (
            DISCOVERY,
            ("404 Not Found", String::new(), String::new()),
            "answered 404",
        ),
        (JWKS, ok("[]".to_owned()), "its key set is not one"),
        (
            JWKS,
            ok(json!({"keys": []}).to_string()),
            "no key that podtrail can",
        ),
        (
            JWKS,
            ok(" ".repeat(1 << 20) + "{}"),
            "answered more than 1048576 bytes",
        ),
        (
            JWKS,
            to(format!("{}{JWKS}", stranger.url)),
            "redirected to another host",
        ),
        (JWKS, to(JWKS.to_owned()), "redirected too often"),
    ] {
        server.up(&keys);
        server.answer(path, answer);
        let oidc = oidc(&server);
        match oidc.authenticate(&token, at(0)).await {
            Err(Denied::Unavailable(reason)) => assert!(reason.contains(wanted), "{reason}"),
            other => panic!("{wanted}: {other:?}"),
        }
    }
    assert_eq!(stranger.asked(), 0);

    server.up(&keys);
    server.answer("/moved", ok(json!({"keys": keys}).to_string()));
    server.answer(JWKS, to(format!("{url}/moved")));
    assert!(oidc(&server).authenticate(&token, at(0)).await.is_ok());
}

#[test]
fn configurations_that_let_nobody_or_anybody_in_are_refused() {
    let good = config("https://login.example.com/realms/main/");
    assert_eq!(good.groups_claim, "groups");
    assert!(Oidc::new(good.clone()).is_ok());
    let issuers = [
        ("http://login.example.com", "is not https"),
        ("http://127.0.0.1.example.com", "is not https"),
        ("ftp://localhost", "is not https"),
        ("login.example.com", "is not a URL"),
        (
            "https://login.example.com?a=b",
            "neither query nor fragment",
        ),
    ];
    let issuers = issuers.map(|(issuer, wanted)| (config(issuer), wanted));
    let nobody = OidcConfig {
        audience: Vec::new(),
        ..good.clone()
    };
    let nothing = OidcConfig {
        groups: BTreeMap::new(),
        ..good
    };
    let others = once((nobody, "no audience")).chain(once((nothing, "no group")));
    for (config, wanted) in issuers.into_iter().chain(others) {
        let error = Oidc::new(config).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    for issuer in [
        "http://localhost:1",
        "http://127.1.2.3:1/a",
        "http://[::1]:1",
    ] {
        assert!(Oidc::new(config(issuer)).is_ok(), "{issuer}");
    }
}
