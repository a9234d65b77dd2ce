use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::super::Scope;
use super::line::{MOST_NAME, hex};
use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-05-01T12:00:00.25Z")
}

fn sql() -> Scopes {
    Scopes::from_iter([Scope::Sql])
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.jsonl");
    (folder, path)
}

#[test]
fn tokens_are_created_listed_and_revoked() {
    let (_folder, path) = folder();
    let file = TokenFile::open(&path).unwrap();
    assert_eq!(file.list().unwrap(), []);
    let end = at("2026-06-01T00:00:00Z");
    let (first, secret) = file.create("Grafana", sql(), Some(end), now()).unwrap();
    let (second, other) = file.create("Grafana", sql(), None, now()).unwrap();
    assert_eq!(first.name, "Grafana");
    assert_eq!((first.created_at, first.expires_at), (now(), Some(end)));
    assert_eq!(id_of(secret.expose()), Some(first.id.as_str()));
    assert_ne!(first.id, second.id);
    assert_ne!(secret.expose(), other.expose());
    assert_eq!(file.list().unwrap(), [first.clone(), second.clone()]);

    let revoked = file.revoke(&first.id, end).unwrap();
    assert_eq!(revoked.revoked_at, Some(end));
    assert_eq!(file.revoke(&first.id, now()).unwrap().revoked_at, Some(end));
    let listed = TokenFile::open(&path).unwrap().list().unwrap();
    assert_eq!(listed, [revoked, second]);

    let error = file.revoke(secret.expose(), now()).unwrap_err().to_string();
    assert!(error.ends_with("has no token of that id"), "{error}");
    assert!(!error.contains(secret.expose()), "{error}");
}

#[test]
fn files_are_private_and_do_not_have_the_token() {
    let (folder, path) = folder();
    let file = TokenFile::open(&path).unwrap();
    let (record, secret) = file.create("ci", sql(), None, now()).unwrap();
    file.create("ci", sql(), None, now()).unwrap();
    let mut names = Vec::new();
    for entry in folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["tokens.jsonl", "tokens.jsonl.lock"]);

    let random = secret.expose().rsplit_once(&record.id).unwrap().1;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(&record.id));
    assert!(!text.contains(random));
    assert!(!format!("{secret:?}{record:?}").contains(random));
}

#[test]
fn a_link_to_the_file_stays_one() {
    let (folder, path) = folder();
    std::fs::write(&path, "").unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let file = TokenFile::open(&link).unwrap();
    let (record, _) = file.create("ci", sql(), None, now()).unwrap();
    assert!(link.is_symlink());
    assert_eq!(read(&path).unwrap().0, [record]);
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let (_folder, path) = folder();
    let mut created: Vec<String> = std::thread::scope(|scope| {
        let create = |thread: usize| {
            let path = &path;
            move || {
                let file = TokenFile::open(path).unwrap();
                let name = format!("thread {thread}");
                let create = |_| file.create(&name, sql(), None, now()).unwrap().0.id;
                (0..5).map(create).collect::<Vec<_>>()
            }
        };
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(create(thread))).collect();
        let created = threads.into_iter().map(|thread| thread.join().unwrap());
        created.flatten().collect()
    });
    let file = TokenFile::open(&path).unwrap();
    let mut listed: Vec<_> = file.list().unwrap().into_iter().map(|r| r.id).collect();
    created.sort();
    listed.sort();
    assert_eq!(created.len(), 40);
    assert_eq!(created, listed);
}

#[test]
fn unusable_tokens_are_not_created() {
    let (_folder, path) = folder();
    let file = TokenFile::open(&path).unwrap();
    let none = Scopes::default();
    let long = "x".repeat(MOST_NAME + 1);
    for (name, scopes, end, wanted) in [
        ("", sql(), None, "a token's name is"),
        (" ", sql(), None, "a token's name is"),
        ("a\nb", sql(), None, "a token's name is"),
        (&long, sql(), None, "a token's name is"),
        ("ci", none, None, "a token needs a scope"),
        ("ci", sql(), Some(now()), "expired already"),
    ] {
        let error = file.create(name, scopes, end, now()).unwrap_err();
        assert!(error.to_string().contains(wanted), "{name:?}: {error}");
    }
    assert!(!path.exists());
}

#[test]
fn malformed_files_are_refused_by_line() {
    let (_folder, path) = folder();
    let file = TokenFile::open(&path).unwrap();
    let (record, _) = file
        .create("ci", sql(), Some(at("2027-01-01T00:00:00Z")), now())
        .unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    let good = good.trim_end();
    let sha256 = hex(&record.sha256);
    for (line, reason) in [
        ("{", "EOF while parsing an object"),
        ("tokens", "expected ident"),
        ("{}", "missing field `id`"),
        (good, &format!("a second token of id {}", record.id)),
        (&good.replace("sql", "write"), "unknown variant `write`"),
        (
            &good.replace("expires_at", "expires"),
            "unknown field `expires`",
        ),
        (&good.replace("2027", "soon"), "expires_at is not a time"),
        (
            &good.replace(&sha256, "00"),
            "sha256 is not 64 hexadecimal digits",
        ),
        (
            &good.replace(&sha256, &"é".repeat(32)),
            "sha256 is not 64 hexadecimal",
        ),
        (&good.replace(&record.id, "a_b"), "the id is not one"),
        (&good.replace("\"ci\"", "\"a\\nb\""), "a token's name is"),
    ] {
        std::fs::write(&path, format!("{good}\n\n{line}\n")).unwrap();
        let error = TokenFile::open(&path).unwrap_err().to_string();
        let wanted = format!("{}, line 3: {reason}", path.display());
        assert!(error.starts_with(&wanted), "{line}: {error}");
        assert!(!error.contains(" at line "), "{error}");
        assert!(file.create("ci", sql(), None, now()).is_err(), "{line}");
    }
    std::fs::write(&path, b"\xff\n").unwrap();
    let error = TokenFile::open(&path).unwrap_err().to_string();
    assert!(error.contains(", line 1: "), "{error}");
}

#[test]
fn files_that_anybody_could_have_written_are_refused() {
    let (folder, path) = folder();
    let file = TokenFile::open(&path).unwrap();
    file.create("ci", sql(), None, now()).unwrap();
    for (mode, wanted) in [(0o666, false), (0o602, false), (0o660, true), (0o444, true)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(TokenFile::open(&path).is_ok(), wanted, "{mode:o}");
    }
    let error = TokenFile::open(folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("cannot read /"), "{error}");

    let large = File::create(&path).unwrap();
    large.set_len(MOST_BYTES as u64 + 1).unwrap();
    let error = TokenFile::open(&path).unwrap_err().to_string();
    assert!(error.ends_with("larger than 4194304 bytes"), "{error}");
}

#[test]
fn only_whole_tokens_have_an_id() {
    let secret = "-_".repeat(21) + "A";
    let token = format!("podtrail_abcd2345_{secret}");
    assert_eq!(id_of(&token), Some("abcd2345"));
    for text in [
        String::new(),
        "podtrail_".to_owned(),
        "podtrail_abcd2345".to_owned(),
        format!("podtrail__{secret}"),
        format!("podtrail_abcd234_{secret}"),
        format!("podtrail_ABCD2345_{secret}"),
        format!("Podtrail_abcd2345_{secret}"),
        format!("{token}A"),
        format!("{token} "),
        token.replace('A', ""),
        token.replace('A', "="),
        token.replace('A', "é"),
    ] {
        assert_eq!(id_of(&text), None, "{text}");
    }
}
