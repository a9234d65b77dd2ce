use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn wanted(fingerprint: &str, region: &str) -> Wanted {
    Wanted {
        fingerprint: fingerprint.to_owned(),
        region: region.to_owned(),
        signed: Span { from: 0, to: 1 },
    }
}

#[tokio::test]
async fn files_of_several_answers_and_spellings() {
    let text = br#"{"PublicKeyList":[{"Value":"AQID","Fingerprint":"a","ValidityStartTime":1.5}]}
        {"publicKeyList":[{"Value":"BAU=","Fingerprint":"b"}], "NextToken": "t"}
        [{"Value":"Bg==","Fingerprint":"c"}]"#;
    let mut file = KeyFile::parse(text).unwrap();
    assert_eq!(file.len(), 3);
    let found = file.find(wanted("b", "eu-west-1")).await.unwrap().unwrap();
    assert_eq!(found.der(), [4, 5]);
    assert_eq!(file.find(wanted("d", "eu-west-1")).await.unwrap(), None);
    file.merge(KeyFile::parse(br#"[{"Value":"Bg==","Fingerprint":"d"}]"#).unwrap());
    assert!(file.find(wanted("d", "eu-west-1")).await.unwrap().is_some());
}

#[test]
fn other_files_are_refused_with_advice() {
    for text in [
        &b""[..],
        b"{}",
        b"{\"PublicKeyList\":[]}",
        b"[{\"Value\":\"!\",\"Fingerprint\":\"a\"}]",
    ] {
        let error = KeyFile::parse(text).unwrap_err().to_string();
        assert!(error.contains("list-public-keys"), "{error}");
    }
}

#[tokio::test]
async fn each_question_is_asked_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let keys = AskedKeys::new(Box::new(move |region, _| {
        count.fetch_add(1, Ordering::Relaxed);
        let answer = match region.as_str() {
            "eu-west-1" => Ok(vec![PublicKey::new("a".to_owned(), vec![1])]),
            _ => Err(io::Error::other("denied: needs cloudtrail:ListPublicKeys")),
        };
        futures::future::ready(answer).boxed()
    }));
    for _ in 0..3 {
        assert!(keys.find(wanted("a", "eu-west-1")).await.unwrap().is_some());
        assert_eq!(keys.find(wanted("b", "eu-west-1")).await.unwrap(), None);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert!(keys.find(wanted("a", "us-east-1")).await.is_err());
    assert!(
        keys.find(wanted("a", "us-east-1")).await.is_err(),
        "failures are asked again"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}
