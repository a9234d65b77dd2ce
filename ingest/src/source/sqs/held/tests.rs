use tokio::time::{Duration, Instant};

use super::{Held, Receipt};
use crate::source::ObjectRef;

fn object(key: &str) -> ObjectRef {
    ObjectRef {
        key: format!("s3://trail/{key}"),
        etag: "e1".to_owned(),
        size: 1,
    }
}

fn receipt(id: &str, handle: &str) -> Receipt {
    Receipt {
        id: id.to_owned(),
        handle: handle.to_owned(),
    }
}

#[test]
fn a_message_is_done_with_the_last_of_its_objects() {
    let now = Instant::now();
    let mut held = Held::default();
    let both = vec![object("a"), object("b"), object("a")];
    assert_eq!(
        held.hold(receipt("m", "1"), both, now),
        [object("a"), object("b")]
    );
    assert_eq!(held.len(), 2);
    assert_eq!(held.settle(&[object("a"), object("unknown")]), []);
    assert_eq!(held.settle(&[object("a")]), []);
    assert_eq!(held.settle(&[object("b")]), [receipt("m", "1")]);
    assert_eq!(held.len(), 0);
}

#[test]
fn an_object_of_two_messages_is_given_once_and_settles_both() {
    let now = Instant::now();
    let mut held = Held::default();
    held.hold(receipt("m", "1"), vec![object("a")], now);
    assert_eq!(held.hold(receipt("n", "1"), vec![object("a")], now), []);
    let mut done = held.settle(&[object("a")]);
    done.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(done, [receipt("m", "1"), receipt("n", "1")]);
}

#[test]
fn another_content_is_another_object() {
    let now = Instant::now();
    let mut held = Held::default();
    held.hold(receipt("m", "1"), vec![object("a")], now);
    let newer = ObjectRef {
        etag: "e2".to_owned(),
        ..object("a")
    };
    assert_eq!(
        held.hold(receipt("n", "1"), vec![newer.clone()], now),
        std::slice::from_ref(&newer)
    );
    assert_eq!(held.settle(&[newer]), [receipt("n", "1")]);
}

#[test]
fn the_newest_receipt_counts() {
    let now = Instant::now();
    let mut held = Held::default();
    assert!(!held.renew(&receipt("m", "1")));
    held.hold(receipt("m", "1"), vec![object("a")], now);
    assert!(held.renew(&receipt("m", "2")));
    assert_eq!(held.hold(receipt("m", "3"), vec![object("a")], now), []);
    assert_eq!(held.settle(&[object("a")]), [receipt("m", "3")]);
}

#[test]
fn what_is_given_out_without_a_message_settles_none() {
    let mut held = Held::default();
    assert_eq!(held.give_out(vec![object("a")]), [object("a")]);
    assert_eq!(held.give_out(vec![object("a")]), []);
    assert_eq!(held.settle(&[object("a")]), []);
    assert_eq!(held.give_out(vec![object("a")]), [object("a")]);
}

#[test]
fn a_message_is_renewed_for_a_bounded_time() {
    let start = Instant::now();
    let longest = Duration::from_mins(1);
    let mut held = Held::default();
    held.hold(receipt("m", "1"), vec![object("a")], start);
    let later = start + Duration::from_secs(40);
    held.hold(receipt("n", "1"), vec![object("b")], later);
    assert_eq!(held.receipts(later, longest).len(), 2);
    let last = start + longest;
    assert_eq!(held.receipts(last, longest), [receipt("n", "1")]);
    // It is not renewed any more, and deleted all the same once it is settled.
    assert_eq!(held.settle(&[object("a")]), [receipt("m", "1")]);
    assert_eq!(held.drain(), [receipt("n", "1")]);
    assert_eq!(held.len(), 0);
}
