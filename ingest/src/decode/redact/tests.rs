use super::*;

const JWT: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl";

fn sts() -> String {
    format!("FwoGZXIvYXdzE{}=", "aB3/+".repeat(30))
}

#[test]
fn names_of_credentials() {
    for name in [
        "sessionToken",
        "SESSION_TOKEN",
        "x-amz-security-token",
        "X-Amz-Signature",
        "secretAccessKey",
        "SAMLAssertion",
        "webIdentityToken",
        "clientSecret",
        "privateKey",
        "authorizationToken",
        "refreshToken",
        "accessToken",
        "idToken",
        "password",
        "masterUserPassword",
        "old-password",
        "secretString",
        "secretBinary",
        "plaintext",
        "ciphertextForRecipient",
    ] {
        assert!(secret_name(name.as_bytes()), "{name}");
    }
    for name in [
        "accessKeyId",
        "nextToken",
        "clientToken",
        "token",
        "secretId",
        "passwordLastUsed",
        "keyId",
        "paginationToken",
        "",
        "n",
        "x-amz-id-2",
        "publicKey",
        "requestToken",
        "continuationToken",
        "forwardToken",
    ] {
        assert!(!secret_name(name.as_bytes()), "{name}");
    }
}

#[test]
fn sound_text_is_rewritten() {
    let sts = sts();
    let cases = [
        (r#"{ "a" : [ 1 , "x y" ] }"#.to_owned(), r#"{"a":[1,"x y"]}"#.to_owned()),
        (r#"{"sessionToken":"s","b":1}"#.to_owned(), r#"{"b":1}"#.to_owned()),
        (r#"{"a":1,"p":{"Password":["x"]},"z":[]}"#.to_owned(), r#"{"a":1,"p":{},"z":[]}"#.to_owned()),
        (r#"{"changePassword":true,"token":"HIDDEN_DUE_TO_SECURITY_REASONS","password":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#.to_owned(),
         r#"{"changePassword":true,"token":"HIDDEN_DUE_TO_SECURITY_REASONS","password":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#.to_owned()),
        (format!(r#"["Bearer {JWT}","{sts}","eyJ2IjoiMiJ9"]"#), r#"["Bearer REDACTED","REDACTED","eyJ2IjoiMiJ9"]"#.to_owned()),
        (format!(r#"{{"a {sts}/{JWT} b":"{JWT}_{sts} {sts}","{JWT}{sts}":1}}"#), r#"{"a REDACTED b":"REDACTED REDACTED","REDACTED":1}"#.to_owned()),
        (format!(r#"["{}"]"#, sts.replace('/', "\\/")), r#"["REDACTED"]"#.to_owned()),
        (r#"{"\u0073essionToken":"s"}"#.to_owned(), "{}".to_owned()),
        (r#"{"policy":"{\"Version\": \"1\", \"password\": \"x\"}"}"#.to_owned(), r#"{"policy":"{\"Version\":\"1\"}"}"#.to_owned()),
        (r#"{"policy":"{\"Version\": \"1\"}"}"#.to_owned(), r#"{"policy":"{\"Version\": \"1\"}"}"#.to_owned()),
        (r#"["{\"password\": \"hush\", cut"]"#.to_owned(), r#"["{\"password\": \"REDACTED\", cut"]"#.to_owned()),
        (r#"["\"password\":\"clientSecret\":\"hush\""]"#.to_owned(), r#"["\"password\":\"clientSecret\":\"REDACTED\""]"#.to_owned()),
        (r#"["https://b/?X-Amz-Signature=0af1&x=1"]"#.to_owned(), r#"["https://b/?X-Amz-Signature=REDACTED&x=1"]"#.to_owned()),
        (r#"["\ud83d \ud83d\ude00"]"#.to_owned(), "[\"\u{fffd} 😀\"]".to_owned()),
    ];
    for (text, wanted) in cases {
        assert_eq!(rewrite(&text), wanted);
    }
}

#[test]
fn broken_text_is_scrubbed() {
    let sts = sts();
    for (text, wanted) in [
        (
            format!(r#"{{"sessionToken":"{sts}","a":"b"#),
            r#"{"sessionToken":"REDACTED","a":"b"#.to_owned(),
        ),
        (
            format!(r#"{{"x":"{}"#, &sts[..30]),
            r#"{"x":"REDACTED"#.to_owned(),
        ),
        (
            format!(r#"{{\"sessionToken\":\"a\\\"b\",\"k\":\"{JWT}"#),
            r#"{\"sessionToken\":\"REDACTED\",\"k\":\"REDACTED"#.to_owned(),
        ),
        (
            r#""password" : 12, "a":1"#.to_owned(),
            r#""password" : REDACTED, "a":1"#.to_owned(),
        ),
        (
            "rest/of/a/token/that/is/very/long/abcdefghijk\" next".to_owned(),
            "REDACTED\" next".to_owned(),
        ),
        (
            r#"{"secretString":{"a":"b"}}"#.to_owned(),
            r#"{"secretString":REDACTED"#.to_owned(),
        ),
        (
            r#""password":"clientSecret":"hush","sessionToken":"password","a":"b""#.to_owned(),
            r#""password":"clientSecret":"REDACTED","sessionToken":"REDACTED","a":"b""#.to_owned(),
        ),
        ("한글 plain text".to_owned(), "한글 plain text".to_owned()),
    ] {
        assert_eq!(excerpt(text.as_bytes(), 4096), wanted, "{text}");
    }
    assert!(excerpt("é".repeat(100).as_bytes(), 33).len() <= 33);
}
