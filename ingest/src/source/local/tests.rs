use futures::StreamExt;

use super::*;
use crate::source::contract::{self, Case};

fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
    folder
}

async fn listed(argument: &str, skip: Option<PathBuf>) -> Vec<ObjectRef> {
    let source = LocalFiles::new(argument, skip).unwrap();
    source.list().map(Result::unwrap).collect().await
}

/// Keys below the folder.
fn below(folder: &tempfile::TempDir, objects: &[ObjectRef]) -> Vec<String> {
    let root = folder.path().canonicalize().unwrap();
    objects
        .iter()
        .map(|object| {
            let path = Path::new(&object.key);
            path.strip_prefix(&root).unwrap().display().to_string()
        })
        .collect()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_folder_is_listed_in_one_order_with_equal_etags() {
    let folder = folder(&["b/2.json", "a.json", "b/1.json", "c/d/e.json.gz"]);
    let argument = text(folder.path());
    let first = listed(&argument, None).await;
    assert_eq!(
        below(&folder, &first),
        ["a.json", "b/1.json", "b/2.json", "c/d/e.json.gz"]
    );
    assert_eq!(first, listed(&argument, None).await);
    assert_eq!(first[0].size, "a.json".len() as u64);

    std::fs::write(folder.path().join("a.json"), "longer than before").unwrap();
    let changed = listed(&argument, None).await;
    assert_ne!(first[0].etag, changed[0].etag);
    assert_eq!(first[1..], changed[1..]);
}

#[tokio::test]
async fn one_file_is_listed_and_read() {
    let folder = folder(&["a.json"]);
    let path = text(&folder.path().join("a.json"));
    let objects = listed(&path, None).await;
    assert_eq!(below(&folder, &objects), ["a.json"]);
    let source = LocalFiles::new(&path, None).unwrap();
    let mut read = String::new();
    source
        .read(&objects[0])
        .await
        .unwrap()
        .read_to_string(&mut read)
        .unwrap();
    assert_eq!(read, "a.json");
    std::fs::remove_file(&path).unwrap();
    assert!(source.read(&objects[0]).await.is_err());
}

#[tokio::test]
async fn a_pattern_names_files_and_folders() {
    let folder = folder(&["x-2.json", "x-1.json", "y.json", "x-3/z.json"]);
    let pattern = text(&folder.path().join("x-*"));
    assert_eq!(
        below(&folder, &listed(&pattern, None).await),
        ["x-1.json", "x-2.json", "x-3/z.json"]
    );
}

#[tokio::test]
async fn a_file_named_like_a_pattern_is_a_file() {
    let folder = folder(&["[1].json", "1.json"]);
    let path = text(&folder.path().join("[1].json"));
    assert_eq!(below(&folder, &listed(&path, None).await), ["[1].json"]);
}

#[test]
fn what_is_not_there_is_named() {
    let folder = folder(&[]);
    let missing = text(&folder.path().join("nowhere"));
    let error = LocalFiles::new(&missing, None).unwrap_err();
    assert!(
        matches!(error, Error::Read { .. }) && error.to_string().contains(&missing),
        "{error}"
    );
    for (pattern, reason) in [("*.json", "matches nothing"), ("***", "***")] {
        let pattern = text(&folder.path().join(pattern));
        let error = LocalFiles::new(&pattern, None).unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
        let shown = error.to_string();
        assert!(
            shown.contains(&pattern) && shown.contains(reason),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_store_inside_the_folder_is_no_input() {
    let folder = folder(&["a.json", "store/events/x.parquet", "store2/b.json"]);
    let skip = folder.path().canonicalize().unwrap().join("store");
    let objects = listed(&text(folder.path()), Some(skip)).await;
    assert_eq!(below(&folder, &objects), ["a.json", "store2/b.json"]);
}

#[test]
fn the_same_place_has_one_id() {
    let folder = folder(&["a/1.json", "b/1.json"]);
    let id = |path: &Path| LocalFiles::new(&text(path), None).unwrap().id().to_owned();
    let a = id(&folder.path().join("a"));
    assert_eq!(a, id(&folder.path().join("b/../a")));
    assert_ne!(a, id(&folder.path().join("b")));
    assert_ne!(a, id(&folder.path().join("a/*")));
    assert!(
        a.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
        "{a}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn links_to_folders_are_not_followed() {
    let folder = folder(&["a/1.json"]);
    std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("b")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("a/1.json"), folder.path().join("c.json"))
        .unwrap();
    let objects = listed(&text(folder.path()), None).await;
    assert_eq!(below(&folder, &objects), ["a/1.json", "c.json"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_broken_link_is_an_error_of_its_own() {
    let folder = folder(&["a.json", "z.json"]);
    std::os::unix::fs::symlink(folder.path().join("gone"), folder.path().join("m.json")).unwrap();
    let source = LocalFiles::new(&text(folder.path()), None).unwrap();
    let found: Vec<bool> = source.list().map(|object| object.is_ok()).collect().await;
    assert_eq!(found, [true, false, true]);
}

#[tokio::test]
async fn standard_input_is_read_again_and_again() {
    let source = Stdin::spool("some records".as_bytes()).unwrap();
    let objects: Vec<ObjectRef> = source.list().map(Result::unwrap).collect().await;
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].size, 12);
    for _ in 0..2 {
        let mut read = String::new();
        source
            .read(&objects[0])
            .await
            .unwrap()
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, "some records");
    }
    let other = Stdin::spool("other records".as_bytes()).unwrap();
    assert!(
        other.read(&objects[0]).await.is_err(),
        "input of another run"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_holds_to_the_contract_of_sources() {
    let folder = folder(&["a.json", "b/1.json"]);
    let source = LocalFiles::new(&text(folder.path()), None).unwrap();
    let missing = ObjectRef {
        key: folder.path().join("c.json").display().to_string(),
        etag: "1-1".to_owned(),
        size: 1,
    };
    let objects = ["a.json", "b/1.json"].map(|name| (name.to_owned(), name.as_bytes().to_vec()));
    contract::check(&Case::new(source, objects.into(), missing)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_input_holds_to_the_contract_of_sources() {
    // More than one piece of those who read it.
    let input = "some records ".repeat(1_000).into_bytes();
    let source = Stdin::spool(input.as_slice()).unwrap();
    let object = source.list().next().await.unwrap().unwrap();
    let missing = ObjectRef {
        key: "stdin:0123456789abcdef".to_owned(),
        ..object.clone()
    };
    contract::check(&Case::new(source, vec![(object.key, input)], missing)).await;
}
