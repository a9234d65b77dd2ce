use futures::TryStreamExt;

use super::*;

async fn bytes(copy: &LocalFolder, key: &str) -> Option<Vec<u8>> {
    let got = copy.get(None, key).await.unwrap()?;
    let chunks: Vec<Bytes> = got.body.try_collect().await.unwrap();
    Some(chunks.concat())
}

#[tokio::test]
async fn keys_stay_in_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("copy");
    std::fs::create_dir_all(root.join("a")).unwrap();
    std::fs::write(dir.path().join("secret"), b"no").unwrap();
    std::fs::write(root.join("a/b"), b"yes").unwrap();
    let copy = LocalFolder::new(root, "x/y/".to_owned(), Some("mine".to_owned()));
    assert_eq!(bytes(&copy, "x/y/a/b").await, Some(b"yes".to_vec()));
    for key in [
        "x/y/../secret",
        "x/y/a/../../secret",
        "a/b",
        "x/y/a",
        "x/y//a/b",
        "x/y/",
        "",
        "x/y/a/b/c",
        "x/y/a\0b",
    ] {
        assert_eq!(bytes(&copy, key).await, None, "{key}");
    }
    assert!(copy.get(Some("mine"), "x/y/a/b").await.unwrap().is_some());
    let error = copy.get(Some("other"), "x/y/a/b").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
}

#[tokio::test]
async fn listings_and_folders_by_prefix() {
    let dir = tempfile::tempdir().unwrap();
    for path in ["b/2/z", "b/1/y", "b/1/y.head.json", "bc/x"] {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"12").unwrap();
    }
    let copy = LocalFolder::new(dir.path().to_owned(), "p/q/".to_owned(), None);
    let list = async |prefix: &str| -> Vec<String> {
        let listed = copy.list(None, prefix).map_ok(|object| object.key);
        listed.try_collect().await.unwrap()
    };
    let all = ["p/q/b/1/y", "p/q/b/2/z", "p/q/bc/x"];
    assert_eq!(list("").await, all);
    assert_eq!(list("p/q/").await, all);
    assert_eq!(list("p/q/b").await, all);
    assert_eq!(list("p/q/b/").await, all[..2]);
    assert_eq!(list("p/q/b/1/").await, all[..1]);
    assert!(list("p/r/").await.is_empty());
    assert!(list("p/q/none/").await.is_empty());
    for (prefix, folders) in [
        ("", &["p/"][..]),
        ("p/", &["p/q/"]),
        ("p/q/", &["p/q/b/", "p/q/bc/"]),
        ("p/q/b/", &["p/q/b/1/", "p/q/b/2/"]),
        ("p/q/none/", &[]),
        ("z/", &[]),
    ] {
        assert_eq!(
            copy.folders(None, prefix).await.unwrap(),
            folders,
            "{prefix}"
        );
    }
}

#[tokio::test]
async fn folders_without_digests_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = LocalFolder::open(dir.path().to_owned(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    let error = LocalFolder::open(dir.path().join("none"), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}
