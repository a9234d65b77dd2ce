use serde_json::json;

use super::super::super::Scope;
use super::*;

fn config(groups_claim: &str) -> OidcConfig {
    OidcConfig {
        issuer: "https://login.example.com".to_owned(),
        audience: vec!["podtrail".to_owned()],
        groups_claim: groups_claim.to_owned(),
        groups: [("readers", Scope::Read), ("analysts", Scope::Sql)]
            .map(|(group, scope)| (group.to_owned(), scope))
            .into(),
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn check(claim: &str, claims: &Value, seconds: i64) -> Result<Principal, Denied> {
    principal(&config(claim), claims.as_object().unwrap(), at(seconds))
}

#[test]
fn groups_become_scopes() {
    for (claim, given, wanted) in [
        ("groups", json!({"groups": ["readers"]}), "read"),
        (
            "groups",
            json!({"groups": ["staff", "readers", "analysts"]}),
            "read,sql",
        ),
        ("groups", json!({"groups": "analysts"}), "read,sql"),
        ("groups", json!({"groups": "readers analysts"}), ""),
        ("groups", json!({"groups": ["staff"]}), ""),
        ("groups", json!({"groups": ["Readers"]}), ""),
        (
            "groups",
            json!({"groups": [["readers"], {"readers": 1}, 1, null]}),
            "",
        ),
        ("groups", json!({"groups": {"readers": true}}), ""),
        ("groups", json!({"groups": []}), ""),
        ("groups", json!({"groups": null}), ""),
        ("groups", json!({"roles": ["readers"]}), ""),
        (
            "realm_access.roles",
            json!({"realm_access": {"roles": ["analysts"]}}),
            "read,sql",
        ),
        (
            "realm_access.roles",
            json!({"realm_access": ["analysts"]}),
            "",
        ),
        ("realm_access.roles", json!({"roles": ["analysts"]}), ""),
        ("a.b.c", json!({"a": {"b": {"c": "readers"}}}), "read"),
        (
            "https://example.com/groups",
            json!({"https://example.com/groups": ["readers"]}),
            "read",
        ),
        ("", json!({"groups": ["readers"]}), ""),
        (".", json!({"groups": ["readers"]}), ""),
    ] {
        let mut claims = json!({"sub": "ann", "exp": 1_000});
        claims
            .as_object_mut()
            .unwrap()
            .extend(given.as_object().unwrap().clone());
        let principal = check(claim, &claims, 0).unwrap();
        assert_eq!(principal.scopes.to_string(), wanted, "{claim}: {given}");
        assert_eq!(principal.name, "https://login.example.com ann");
    }
}

#[test]
fn times_have_a_leeway_of_a_minute() {
    let (expired, malformed) = (Some(Denied::Expired), Some(Denied::Malformed));
    for (claims, seconds, wanted) in [
        (json!({"exp": 1_000}), 1_059, None),
        (json!({"exp": 1_000}), 1_060, expired.clone()),
        (json!({"exp": 1_000.9}), 1_059, None),
        (json!({"exp": 1_000.9}), 1_060, expired.clone()),
        (json!({"exp": 1_000, "nbf": 500}), 440, None),
        (json!({"exp": 1_000, "nbf": 500}), 439, expired.clone()),
        (json!({"exp": -1_000}), 0, expired.clone()),
        (json!({}), 0, malformed.clone()),
        (json!({"exp": "1000"}), 0, malformed.clone()),
        (json!({"exp": null}), 0, malformed.clone()),
        (json!({"exp": 1e300}), 0, malformed.clone()),
        (json!({"exp": u64::MAX}), 0, malformed.clone()),
        (json!({"exp": 8_210_266_876_799_i64}), 0, malformed.clone()),
        (json!({"exp": 1_000, "nbf": "0"}), 0, malformed.clone()),
        (json!({"exp": 1_000, "nbf": i64::MIN}), 0, malformed.clone()),
    ] {
        let mut claims = claims;
        claims["sub"] = json!("ann");
        let checked = check("groups", &claims, seconds);
        assert_eq!(
            checked.as_ref().err(),
            wanted.as_ref(),
            "{claims} at {seconds}"
        );
        if let Ok(principal) = checked {
            // The end it gives is the moment it is refused from.
            let end = principal.expires_at.unwrap();
            assert_eq!(end, at(1_060));
        }
    }
}

#[test]
fn subjects_are_names_of_one_line() {
    for (subject, accepted) in [
        (json!("ann"), true),
        (json!("auth0|Ann Ö"), true),
        (json!("x".repeat(MOST_SUBJECT)), true),
        (json!("x".repeat(MOST_SUBJECT + 1)), false),
        (json!("a\nb"), false),
        (json!(""), false),
        (json!(1), false),
        (json!(null), false),
    ] {
        let claims = json!({"sub": subject, "exp": 1_000});
        assert_eq!(check("groups", &claims, 0).is_ok(), accepted, "{subject}");
    }
}
