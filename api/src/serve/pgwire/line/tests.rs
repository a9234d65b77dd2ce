use super::*;

fn message(length: u32) -> Vec<u8> {
    let mut bytes = vec![b'Q'];
    bytes.extend(length.to_be_bytes());
    bytes.resize(length as usize + 1, b'x');
    bytes
}

#[test]
fn messages_pass_however_they_are_cut() {
    let mut bytes = message(8)[1..].to_vec();
    for length in [4, 5, 100, 4] {
        bytes.extend(message(length));
    }
    for size in 1..bytes.len() {
        let mut messages = Messages::new(100);
        for chunk in bytes.chunks(size) {
            messages.pass(chunk).unwrap();
        }
        assert_eq!((messages.rest, messages.known), (0, 0), "chunks of {size}");
    }
}

#[test]
fn a_message_is_refused_by_its_header() {
    for length in [0, 3, 101, u32::MAX] {
        let mut messages = Messages::new(100);
        messages.pass(&message(8)[1..]).unwrap();
        let mut header = vec![b'Q'];
        header.extend(length.to_be_bytes());
        assert!(messages.pass(&header).is_err(), "{length}");
    }
}

#[tokio::test]
async fn what_is_read_ahead_is_not_lost() {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let bounds = LineBounds {
        message_bytes: 1 << 20,
        stall: Duration::from_mins(1),
    };
    let mut line = Line::new(Box::new(near), &[0, 0], bounds).unwrap();
    let sent: Vec<u8> = [0, 8, 0, 0, 0, 0]
        .into_iter()
        .chain(message(300_000))
        .collect();
    far.write_all(&sent).await.unwrap();
    let watch = line.clone();
    let mut closed = Box::pin(watch.closed());
    assert!(futures::poll!(&mut closed).is_pending());
    assert!(line.inner().ahead.len() >= MOST_AHEAD);
    let mut read = vec![0; sent.len() + 2];
    line.read_exact(&mut read).await.unwrap();
    assert_eq!(read[2..], sent);
    drop(far);
    closed.await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_left() {
    let (near, _far) = tokio::io::duplex(16);
    let bounds = LineBounds {
        message_bytes: 100,
        stall: Duration::from_millis(5),
    };
    let mut line = Line::new(Box::new(near), &[], bounds).unwrap();
    let failure = line.write_all(&[0; 1000]).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::TimedOut);
}
