use std::path::PathBuf;

use chrono::TimeDelta;
use tempfile::TempDir;

use super::super::{Scope, Scopes, TokenFile};
use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-05-01T12:00:00Z")
}

fn folder() -> (TempDir, PathBuf, TokenFile) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.jsonl");
    let file = TokenFile::open(&path).unwrap();
    (folder, path, file)
}

fn scopes(scope: Scope) -> Scopes {
    Scopes::from_iter([scope])
}

#[test]
fn tokens_are_accepted_as_the_file_says() {
    let (_folder, path, file) = folder();
    let end = at("2026-06-01T00:00:00Z");
    let create = |name, scope, end| file.create(name, scopes(scope), end, now()).unwrap();
    let (lasting, good) = create("ci", Scope::Read, None);
    let (ending, brief) = create("Grafana", Scope::Sql, Some(end));
    let (revoked, bad) = create("old", Scope::Admin, Some(end));
    file.revoke(&revoked.id, now()).unwrap();
    let tokens = Tokens::load(&path, now()).unwrap();

    let (good, brief, bad) = (good.expose(), brief.expose(), bad.expose());
    let last = if good.ends_with('A') { "B" } else { "A" };
    let tampered = format!("{}{last}", &good[..good.len() - 1]);
    let swapped = good.replace(&lasting.id, &ending.id);
    let unknown = good.replace(&lasting.id, "22222222");
    let moment = TimeDelta::nanoseconds(1);
    for (credential, time, wanted) in [
        (good, now(), Ok(&lasting)),
        (good, end + TimeDelta::days(3_650), Ok(&lasting)),
        (brief, end - moment, Ok(&ending)),
        (brief, end, Err(Denied::Expired)),
        (bad, now(), Err(Denied::Revoked)),
        (bad, end, Err(Denied::Revoked)),
        (&tampered, now(), Err(Denied::Unknown)),
        (&swapped, now(), Err(Denied::Unknown)),
        (&unknown, now(), Err(Denied::Unknown)),
        (&good[..good.len() - 1], now(), Err(Denied::Malformed)),
        ("podtrail_", now(), Err(Denied::Malformed)),
        (&lasting.id, now(), Err(Denied::Malformed)),
        ("", now(), Err(Denied::Malformed)),
    ] {
        let wanted = wanted.map(|record| Principal {
            authentication: Authentication::Token,
            name: format!("{} {}", record.id, record.name),
            scopes: record.scopes,
            expires_at: record.expires_at,
        });
        assert_eq!(
            tokens.authenticate(credential, time),
            wanted,
            "{credential} {time}"
        );
    }
}

#[test]
fn changes_of_the_file_are_taken_over() {
    let (folder, path, file) = folder();
    let (first, secret) = file.create("ci", scopes(Scope::Read), None, now()).unwrap();
    let tokens = Tokens::load(&path, now()).unwrap();
    let accepted = |secret: &str| tokens.authenticate(secret, now()).map(|_| ());
    let (_, added) = file.create("ci", scopes(Scope::Read), None, now()).unwrap();
    assert_eq!(accepted(added.expose()), Err(Denied::Unknown));
    tokens.reload();
    assert_eq!(accepted(added.expose()), Ok(()));

    file.revoke(&first.id, now()).unwrap();
    tokens.reload();
    assert_eq!(accepted(secret.expose()), Err(Denied::Revoked));
    assert_eq!(accepted(added.expose()), Ok(()));

    // Another file of the same name and length.
    let text = std::fs::read_to_string(&path).unwrap();
    let other = folder.path().join("other");
    std::fs::write(&other, text.replace(&first.id, "22222222")).unwrap();
    std::fs::rename(other, &path).unwrap();
    tokens.reload();
    assert_eq!(accepted(secret.expose()), Err(Denied::Unknown));

    std::fs::write(&path, "").unwrap();
    tokens.reload();
    assert_eq!(accepted(added.expose()), Err(Denied::Unknown));
    assert_eq!(tokens.problem(), None);
}

#[test]
fn a_broken_file_leaves_the_last_good_tokens_in_force() {
    let (_folder, path, file) = folder();
    let (record, secret) = file.create("ci", scopes(Scope::Read), None, now()).unwrap();
    let tokens = Tokens::load(&path, now()).unwrap();
    let good = std::fs::read(&path).unwrap();
    let accepted = || tokens.authenticate(secret.expose(), now()).map(|_| ());

    std::fs::write(&path, "nonsense\n").unwrap();
    tokens.reload();
    let problem = tokens.problem().unwrap();
    assert!(problem.contains("tokens.jsonl, line 1: "), "{problem}");
    assert_eq!(accepted(), Ok(()));

    std::fs::remove_file(&path).unwrap();
    tokens.reload();
    let problem = tokens.problem().unwrap();
    assert!(problem.starts_with("cannot read "), "{problem}");
    assert_eq!(accepted(), Ok(()));
    assert!(Tokens::load(&path, now()).is_err());

    std::fs::write(&path, &good).unwrap();
    tokens.reload();
    assert_eq!(tokens.problem(), None);
    assert_eq!(accepted(), Ok(()));

    file.revoke(&record.id, now()).unwrap();
    tokens.reload();
    assert_eq!(accepted(), Err(Denied::Revoked));
}

#[test]
fn a_file_that_comes_back_as_it_was_is_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let (here, away) = (folder.path().join("here"), folder.path().join("away"));
    std::fs::create_dir(&here).unwrap();
    let path = here.join("tokens.jsonl");
    std::fs::write(&path, "").unwrap();
    let tokens = Tokens::load(&path, now()).unwrap();
    std::fs::rename(&here, &away).unwrap();
    tokens.reload();
    assert!(tokens.problem().is_some());
    std::fs::rename(&away, &here).unwrap();
    tokens.reload();
    assert_eq!(tokens.problem(), None);
}

#[test]
fn the_file_is_looked_at_once_a_second() {
    let (_folder, path, file) = folder();
    file.create("ci", scopes(Scope::Read), None, now()).unwrap();
    let tokens = Tokens::load(&path, now()).unwrap();
    for (milliseconds, due) in [
        (0, false),
        (999, false),
        (1_000, true),
        (1_000, false),
        // Requests carry times that are a little out of order.
        (990, false),
        (1_999, false),
        (2_500, true),
        // A clock that was set back.
        (-3_600_000, true),
        (-3_600_000, false),
    ] {
        let time = now() + TimeDelta::milliseconds(milliseconds);
        assert_eq!(tokens.due(time), due, "{milliseconds}");
    }
}
