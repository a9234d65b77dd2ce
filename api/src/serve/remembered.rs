//! Answers that were given: a snapshot never changes, so a question that was answered once need not be computed again.
//!
//! An answer is found by its tag, which everything that decides it goes into. Answers to older snapshots are not
//! asked for any more, and leave as the least recently used.

use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use lru::LruCache;

/// Bytes of all answers together.
const MOST_BYTES: usize = 64 << 20;

/// Bytes of one answer: larger ones are computed each time.
const MOST_OF_ONE: usize = 4 << 20;

/// What an answer is made of beside what is the same for all: its body, and headers of its own.
#[derive(Debug, Clone)]
pub struct Given {
    /// The body.
    pub body: Bytes,
    /// Header for the next page, where the form has no place for it in the body.
    pub header: Option<(HeaderName, HeaderValue)>,
}

impl Given {
    /// Makes a response of it.
    #[must_use]
    pub fn response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The answers, by tag.
#[derive(Debug)]
pub struct Remembered(Mutex<Held>);

#[derive(Debug)]
struct Held {
    answers: LruCache<String, Given>,
    bytes: usize,
}

impl Default for Remembered {
    fn default() -> Self {
        Self(Mutex::new(Held {
            answers: LruCache::unbounded(),
            bytes: 0,
        }))
    }
}

impl Remembered {
    /// Gives the answer with this tag, if it is still there.
    #[must_use]
    pub fn get(&self, tag: &str) -> Option<Given> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.answers.get(tag).cloned()
    }

    /// Remembers an answer, and forgets those that were not asked for the longest where there is no room.
    pub fn put(&self, tag: &str, given: &Given) {
        let size = given.body.len() + tag.len();
        if size > MOST_OF_ONE {
            return;
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes += size;
        if let Some(before) = held.answers.put(tag.to_owned(), given.clone()) {
            held.bytes -= before.body.len() + tag.len();
        }
        while held.bytes > MOST_BYTES {
            let Some((tag, given)) = held.answers.pop_lru() else {
                break;
            };
            held.bytes -= given.body.len() + tag.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(bytes: usize) -> Given {
        Given {
            body: Bytes::from(vec![b'x'; bytes]),
            header: None,
        }
    }

    fn sizes(remembered: &Remembered, tags: &[String]) -> Vec<Option<usize>> {
        tags.iter()
            .map(|tag| remembered.get(tag).map(|given| given.body.len()))
            .collect()
    }

    #[test]
    fn an_answer_is_found_by_its_tag_and_the_last_one_holds() {
        let remembered = Remembered::default();
        let tags = ["a".to_owned(), "b".to_owned()];
        remembered.put("a", &given(10));
        assert_eq!(sizes(&remembered, &tags), [Some(10), None]);
        remembered.put("a", &given(20));
        assert_eq!(sizes(&remembered, &tags), [Some(20), None]);
    }

    #[test]
    fn what_was_not_asked_for_the_longest_leaves_where_there_is_no_room() {
        let remembered = Remembered::default();
        let tags: Vec<String> = (0..20).map(|tag| format!("tag {tag:02}")).collect();
        let most = MOST_OF_ONE - tags[0].len();
        for tag in &tags {
            assert!(tag == &tags[0] || remembered.get(&tags[0]).is_some());
            remembered.put(tag, &given(most));
        }
        let there = sizes(&remembered, &tags);
        assert_eq!(there.iter().flatten().count(), MOST_BYTES / MOST_OF_ONE);
        assert_eq!(
            (there[0], there[1], there[19]),
            (Some(most), None, Some(most))
        );
    }

    #[test]
    fn the_same_answer_again_takes_no_more_room() {
        let remembered = Remembered::default();
        remembered.put("other", &given(1));
        for _ in 0..100 {
            remembered.put("a", &given(MOST_OF_ONE / 2));
        }
        assert!(remembered.get("other").is_some());
    }

    #[test]
    fn a_large_answer_is_not_remembered() {
        let remembered = Remembered::default();
        remembered.put("a", &given(MOST_OF_ONE));
        assert!(remembered.get("a").is_none());
    }
}
