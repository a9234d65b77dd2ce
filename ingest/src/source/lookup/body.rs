//! The bytes of one object: the events of all its pages, a line each.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::Arc;

use aws_sdk_cloudtrail::types::Event;
use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::client::{AccountClient, PageError};
use super::window::Subject;

/// Pages ahead of who reads. A page has at most 50 events of at most 256 KiB.
const PAGES_AHEAD: usize = 1;

/// Events of an object that are known again after it was begun again. Beyond, they are given twice,
/// which the store sorts out by their ids.
const KNOWN_EVENTS: usize = 400_000;

/// A part of an object.
#[derive(Debug)]
enum Part {
    Lines(Bytes),
    /// All was given: without it, an end is a failure.
    End,
}

/// Begins to ask for pages, as fast as they are read.
pub(super) fn open(
    client: &Arc<AccountClient>,
    subject: Subject,
    name: String,
    restarts: u32,
) -> Pages {
    let (out, parts) = mpsc::channel(PAGES_AHEAD);
    let client = Arc::clone(client);
    let mut asker = Asker {
        client,
        subject,
        restarts,
        known: HashSet::new(),
    };
    tokio::spawn(async move {
        let last = match asker.pages(&out).await {
            Ok(()) => Ok(Part::End),
            Err(reason) => Err(io::Error::other(format!("look up {name}: {reason}"))),
        };
        // Whether anybody reads on is not this task's concern any more.
        let _ = out.send(last).await;
    });
    Pages {
        parts,
        lines: Bytes::new(),
        ended: false,
    }
}

struct Asker {
    client: Arc<AccountClient>,
    subject: Subject,
    restarts: u32,
    known: HashSet<[u8; 16]>,
}

impl Asker {
    /// Gives page after page, until the last or until nobody reads.
    async fn pages(&mut self, out: &mpsc::Sender<io::Result<Part>>) -> Result<(), String> {
        let mut token: Option<String> = None;
        loop {
            let asked = tokio::select! {
                biased;
                () = out.closed() => return Ok(()),
                asked = self.client.page(&self.subject, token.as_deref()) => asked,
            };
            let page = match asked {
                Ok(page) => page,
                Err(PageError::Failed(reason)) => return Err(reason),
                Err(PageError::Token) if self.restarts == 0 => {
                    return Err(
                        "its page tokens expire before it is read; take shorter windows".to_owned(),
                    );
                }
                Err(PageError::Token) => {
                    self.restarts -= 1;
                    token = None;
                    continue;
                }
            };
            let lines = self.lines(&page.events.unwrap_or_default());
            if !lines.is_empty() && out.send(Ok(Part::Lines(lines))).await.is_err() {
                return Ok(());
            }
            match page.next_token {
                None => return Ok(()),
                Some(next) if Some(&next) == token.as_ref() => {
                    return Err("a page names itself as the next".to_owned());
                }
                Some(next) => token = Some(next),
            }
        }
    }

    /// The events that were not given yet.
    fn lines(&mut self, events: &[Event]) -> Bytes {
        let mut lines = Vec::new();
        for event in events {
            if let Some(id) = event.event_id() {
                let mut hash = [0; 16];
                hash.copy_from_slice(&Sha256::digest(id.as_bytes())[..16]);
                if self.known.contains(&hash) {
                    continue;
                }
                if self.known.len() < KNOWN_EVENTS {
                    self.known.insert(hash);
                }
            }
            line(event, &mut lines);
        }
        lines.into()
    }
}

/// Writes an event as one line.
fn line(event: &Event, out: &mut Vec<u8>) {
    match event.cloud_trail_event() {
        // A line break in JSON stands between its parts only.
        Some(text) => out.extend(text.bytes().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            other => other,
        })),
        // No record, but not to be passed over in silence either.
        None => out.extend(
            serde_json::json!({ "EventId": event.event_id(), "EventName": event.event_name() })
                .to_string()
                .into_bytes(),
        ),
    }
    out.push(b'\n');
}

/// Reads the pages of an object. To be read on a thread that may block, never in a task.
#[derive(Debug)]
pub(super) struct Pages {
    parts: mpsc::Receiver<io::Result<Part>>,
    lines: Bytes,
    ended: bool,
}

impl Read for Pages {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.lines.is_empty() {
            if self.ended || buffer.is_empty() {
                return Ok(0);
            }
            match self.parts.blocking_recv() {
                Some(Ok(Part::Lines(lines))) => self.lines = lines,
                Some(Ok(Part::End)) => self.ended = true,
                Some(Err(error)) => return Err(error),
                None => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the lookup stopped before its last page",
                    ));
                }
            }
        }
        let taken = self.lines.len().min(buffer.len());
        self.lines.copy_to_slice(&mut buffer[..taken]);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};

    use bytes::Bytes;
    use tokio::sync::mpsc;

    use super::{Pages, Part};

    fn pages(parts: Vec<Part>) -> Pages {
        let (out, received) = mpsc::channel(8);
        for part in parts {
            out.try_send(Ok(part)).unwrap();
        }
        Pages {
            parts: received,
            lines: Bytes::new(),
            ended: false,
        }
    }

    #[test]
    fn only_an_end_that_was_told_is_an_end() {
        let line = || Part::Lines(Bytes::from_static(b"one\n"));
        let mut text = String::new();
        let mut whole = pages(vec![line(), line(), Part::End]);
        whole.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\none\n");
        assert_eq!(whole.read(&mut [0; 8]).unwrap(), 0);

        let mut broken = pages(vec![line()]);
        let mut buffer = [0; 3];
        assert_eq!(broken.read(&mut buffer).unwrap(), 3);
        assert_eq!(broken.read(&mut buffer).unwrap(), 1);
        let error = broken.read(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}
