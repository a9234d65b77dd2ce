use std::time::Duration;

use futures::StreamExt;

use super::service::Service;
use super::{NOW, Options, account, listed, lookup, options};
use crate::error::Error;
use crate::source::Source;
use crate::source::lookup::Lookup;

const MICROS: i64 = 1_000_000;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn windows_of_the_time_are_listed_and_the_young_ones_change() {
    let server = Service::default().start().await;
    let options = |settled_after| Options {
        from: Some((NOW - 4 * HOUR) * MICROS),
        settled_after,
        ..options()
    };
    let usual = options(super::options().settled_after);
    let objects = listed(&lookup(&server, usual)).await;
    // The window that ended at 07:00 is settled to the second.
    let just = options(Duration::from_mins(150));
    assert_eq!(listed(&lookup(&server, just)).await, objects);
    let shown: Vec<(&str, &str)> = objects
        .iter()
        .map(|object| {
            let name = object.key.strip_prefix("lookup://111122223333/eu-west-1/");
            (name.unwrap(), object.etag.as_str())
        })
        .collect();
    // At 09:30 what ended by 07:30 is settled.
    let young = "2026-11-22T09:30:00Z";
    assert_eq!(
        shown,
        [
            ("2026-11-22T05:00:00Z/PT1H", "settled"),
            ("2026-11-22T06:00:00Z/PT1H", "settled"),
            ("2026-11-22T07:00:00Z/PT1H", young),
            ("2026-11-22T08:00:00Z/PT1H", young),
            ("2026-11-22T09:00:00Z/PT1H", young),
        ]
    );
}

#[tokio::test]
async fn the_end_bounds_the_windows_and_accounts_come_in_turn() {
    let server = Service::default().start().await;
    let options = Options {
        from: Some((NOW - 20 * HOUR) * MICROS),
        to: Some((NOW - 20 * HOUR + 1_800) * MICROS + 1),
        window: Duration::from_mins(30),
        ..options()
    };
    let accounts = ["111122223333", "444455556666"].map(|id| account(&server, id));
    let lookup = Lookup::new("eu-west-1", accounts.to_vec(), options).unwrap();
    let keys: Vec<String> = listed(&lookup)
        .await
        .into_iter()
        .map(|object| object.key)
        .collect();
    assert_eq!(
        keys,
        [
            "lookup://111122223333/eu-west-1/2026-11-21T13:30:00Z/PT30M",
            "lookup://111122223333/eu-west-1/2026-11-21T14:00:00Z/PT30M",
            "lookup://444455556666/eu-west-1/2026-11-21T13:30:00Z/PT30M",
            "lookup://444455556666/eu-west-1/2026-11-21T14:00:00Z/PT30M",
        ]
    );
}

#[tokio::test]
async fn without_a_beginning_seven_days_are_listed() {
    let server = Service::default().start().await;
    let objects = listed(&lookup(&server, options())).await;
    assert_eq!(objects.len(), 7 * 24 + 1);
    assert!(objects[0].key.ends_with("/2026-11-15T09:00:00Z/PT1H"));
}

#[tokio::test]
async fn what_is_out_of_reach_is_said_once_and_the_rest_is_listed() {
    let server = Service::default().start().await;
    let options = Options {
        from: Some((NOW - 100 * DAY) * MICROS),
        ..options()
    };
    let all: Vec<_> = lookup(&server, options).list().collect().await;
    let error = all[0].as_ref().unwrap_err().to_string();
    assert!(
        error.starts_with(
            "look up 111122223333 in eu-west-1 from 2026-08-14T09:30:00Z to 2026-08-24T11:00:00Z: \
             LookupEvents reaches back 90 days"
        ),
        "{error}"
    );
    assert!(all[1..].iter().all(Result::is_ok));
    assert_eq!(all.len(), 1 + 90 * 24 - 1);
    let first = all[1].as_ref().unwrap();
    assert!(
        first.key.ends_with("/2026-08-24T11:00:00Z/PT1H"),
        "{}",
        first.key
    );
}

#[tokio::test]
async fn a_time_wholly_out_of_reach_lists_nothing_else() {
    let server = Service::default().start().await;
    let options = Options {
        from: Some((NOW - 100 * DAY) * MICROS),
        to: Some((NOW - 95 * DAY) * MICROS),
        ..options()
    };
    let all: Vec<_> = lookup(&server, options).list().collect().await;
    assert_eq!(all.len(), 1);
    let error = all[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("to 2026-08-19T09:30:00Z: "), "{error}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = Service::default().start().await;
    let one = || vec![account(&server, "111122223333")];
    let odd = Options {
        window: Duration::from_secs(7_000),
        ..options()
    };
    let backwards = Options {
        from: Some(NOW * MICROS),
        to: Some((NOW - 1) * MICROS),
        ..options()
    };
    let cases = [
        ("Frankfurt", one(), options(), "give a region"),
        ("eu-west-1", Vec::new(), options(), "no account"),
        (
            "eu-west-1",
            [one(), one()].concat(),
            options(),
            "named twice",
        ),
        ("eu-west-1", one(), odd, "divide a day"),
        ("eu-west-1", one(), backwards, "not after its beginning"),
    ];
    for (region, accounts, options, reason) in cases {
        let error = Lookup::new(region, accounts, options).unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)));
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_lookup_is_named_by_region_and_accounts() {
    let server = Service::default().start().await;
    let id = |accounts: &[&str]| {
        let accounts = accounts.iter().map(|id| account(&server, id)).collect();
        let lookup = Lookup::new("eu-west-1", accounts, options()).unwrap();
        (lookup.id().to_owned(), lookup.location().to_owned())
    };
    let location = "lookup://eu-west-1".to_owned();
    let one = ("lookup-eu-west-1-111122223333".to_owned(), location);
    assert_eq!(id(&["111122223333"]), one);
    let (two, _) = id(&["111122223333", "444455556666"]);
    assert_eq!(two.len(), "lookup-eu-west-1-".len() + 16);
    assert_ne!(two, id(&["111122223333", "777788889999"]).0);
}
