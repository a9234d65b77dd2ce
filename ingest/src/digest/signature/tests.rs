use super::*;

fn digest(previous: Option<&str>) -> DigestFile {
    DigestFile {
        start: 0,
        end: 0,
        end_text: "2026-03-01T04:01:31Z".to_owned(),
        bucket: "b".to_owned(),
        key: "k/d.json.gz".to_owned(),
        fingerprint: String::new(),
        algorithm: ALGORITHM.to_owned(),
        previous_signature: previous.map(str::to_owned),
        previous: None,
        logs: Vec::new(),
    }
}

#[test]
fn signed_text_has_four_lines() {
    let text = signed_text(&digest(Some("abcd")), "0f");
    assert_eq!(text, "2026-03-01T04:01:31Z\nb/k/d.json.gz\n0f\nabcd");
    let text = signed_text(&digest(None), "0f");
    assert!(text.ends_with("\n0f\nnull"));
}

#[test]
fn hexadecimal_of_either_case() {
    assert_eq!(unhex("00fFa1"), Some(vec![0, 255, 161]));
    for bad in ["", "0", "0g", "é1", "+1"] {
        assert_eq!(unhex(bad), None, "{bad}");
    }
}

#[test]
fn broken_keys_are_told() {
    let key = PublicKey::new("f".to_owned(), vec![0x30, 0x82, 1, 0]);
    let reason = check(&key, "text", "00").unwrap_err();
    assert!(reason.contains("public key"), "{reason}");
}
