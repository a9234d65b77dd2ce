use std::cell::Cell;

use http_body_util::{BodyExt, Full};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

thread_local! {
    /// The time of a test that has stopped it: it passes as the test says.
    static STOPPED: Cell<Option<Instant>> = const { Cell::new(None) };
}

pub(super) fn now() -> Instant {
    STOPPED.get().unwrap_or_else(Instant::now)
}

fn advance(duration: Duration) {
    STOPPED.set(Some(now() + duration));
}

fn activity() -> Arc<Activity> {
    STOPPED.set(Some(now()));
    let patience = Patience {
        head: 10 * SECOND,
        idle: 60 * SECOND,
        stall: 30 * SECOND,
    };
    Activity::new(patience, Arc::default())
}

/// Waits as told until something is to be done; says what, and after how many seconds.
fn verdict(activity: &Activity) -> (Verdict, u64) {
    let begun = now();
    loop {
        match activity.judge() {
            Verdict::Wait(until) => {
                assert!(until > now(), "it would wait without a pause");
                STOPPED.set(Some(until));
            }
            verdict => return (verdict, (now() - begun).as_secs()),
        }
    }
}

#[tokio::test]
async fn waits_for_the_first_request() {
    let activity = activity();
    let expected = (Verdict::Cut("no request came"), 10);
    assert_eq!(verdict(&activity), expected);
}

#[tokio::test]
async fn waits_longer_between_requests_than_within_a_head() {
    let activity = activity();
    drop(activity.request(false));
    assert_eq!(verdict(&activity), (Verdict::Close, 60));
    // Asked to close, and it does not.
    activity.closing();
    let expected = (Verdict::Cut("it does not close"), 30);
    assert_eq!(verdict(&activity), expected);

    let activity = self::activity();
    drop(activity.request(false));
    advance(20 * SECOND);
    activity.received(b"GET");
    advance(5 * SECOND);
    // More bytes are no new beginning.
    activity.received(b"GET");
    let expected = (Verdict::Cut("no request came"), 5);
    assert_eq!(verdict(&activity), expected);
}

#[tokio::test]
async fn who_has_begun_a_request_is_told_that_it_took_too_long() {
    let nobody = Waker::noop();
    let activity = activity();
    assert!(!activity.give_up(), "nothing has begun");
    activity.received(b"GET /");
    assert!(!activity.is_given_up(nobody));
    assert!(activity.give_up());
    assert!(activity.is_given_up(nobody));
    assert!(!activity.give_up(), "once is enough");
    assert_eq!(verdict(&activity).0, Verdict::Cut("it does not close"));

    let activity = self::activity();
    activity.received(b"PRI * ");
    activity.received(b"HTTP/2.0");
    assert!(!activity.give_up(), "it would not understand");

    let activity = self::activity();
    activity.received(b"GET /");
    let request = activity.request(false);
    assert!(!activity.give_up(), "it is being answered");
    drop(request);
    activity.received(b"GET /");
    assert!(!activity.give_up(), "some of the answer is not out");
    activity.flushed();
    assert!(activity.give_up());
}

#[tokio::test]
async fn pings_are_no_request() {
    let activity = activity();
    drop(activity.request(true));
    activity.received(b"GET");
    assert_eq!(verdict(&activity), (Verdict::Close, 60));
}

#[tokio::test]
async fn a_handler_may_take_its_time_and_a_reader_may_not() {
    let activity = activity();
    let data = Bytes::from(vec![1; 3 * CHUNK + 1]);
    let request = activity.request(false);
    advance(1000 * SECOND);
    assert!(matches!(activity.judge(), Verdict::Wait(_)));
    let mut body = request.keep(Body::new(Full::new(data)));
    assert_eq!(body.size_hint().exact(), Some(3 * CHUNK as u64 + 1));
    let mut sizes = Vec::new();
    while let Some(frame) = body.frame().await {
        sizes.push(frame.unwrap().into_data().unwrap().len());
        assert_eq!(body.is_end_stream(), sizes.len() == 4);
        // Slow, but it comes back.
        advance(29 * SECOND);
        assert!(matches!(activity.judge(), Verdict::Wait(_)));
    }
    assert_eq!(sizes, [CHUNK, CHUNK, CHUNK, 1]);
    drop(body);

    let mut body = activity.request(false).keep(Body::from("text"));
    body.frame().await.unwrap().unwrap();
    let expected = (Verdict::Cut("the client does not read"), 30);
    assert_eq!(verdict(&activity), expected);
    drop(body);
    assert_eq!(verdict(&activity), (Verdict::Close, 60));
}

#[tokio::test]
async fn the_shortest_patience_is_kept_for_each() {
    let activity = activity();
    let waiting = activity.request(true);
    let mut body = activity.request(true).keep(Body::from("text"));
    body.frame().await.unwrap().unwrap();
    advance(10 * SECOND);
    let mut other = activity.request(true).keep(Body::from("text"));
    other.frame().await.unwrap().unwrap();
    let expected = (Verdict::Cut("the client does not read"), 20);
    assert_eq!(verdict(&activity), expected);
    drop(body);
    assert_eq!(verdict(&activity).1, 10);
    drop((waiting, other));
    assert_eq!(activity.total.load(Ordering::Relaxed), 0);
}
