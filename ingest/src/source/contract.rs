//! What every source must hold to, checked against one whose content is known.

#[cfg(feature = "aws")]
mod queue;

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::Arc;

use futures::StreamExt;

use super::{Body, ObjectRef, Source};

/// A source, and what is in it.
pub(crate) struct Case {
    source: Arc<dyn Source>,
    objects: Vec<(String, Vec<u8>)>,
    missing: ObjectRef,
    knows_sizes: bool,
    before_listing: Box<dyn Fn() + Send + Sync>,
}

impl Case {
    /// A source; end of the key and bytes of each of its objects, in the order of the listing; and what is named like
    /// an object of this source, and not there.
    pub(crate) fn new(
        source: impl Source + 'static,
        objects: Vec<(String, Vec<u8>)>,
        missing: ObjectRef,
    ) -> Self {
        Self {
            source: Arc::new(source),
            objects,
            missing,
            knows_sizes: true,
            before_listing: Box::new(|| {}),
        }
    }

    /// The sizes that are listed are a guess.
    #[cfg(feature = "aws")]
    pub(crate) fn of_guessed_sizes(mut self) -> Self {
        self.knows_sizes = false;
        self
    }

    /// A listing takes what it lists away; this brings all of it back.
    #[cfg(feature = "aws")]
    pub(crate) fn brought_back_by(mut self, bring_back: impl Fn() + Send + Sync + 'static) -> Self {
        self.before_listing = Box::new(bring_back);
        self
    }

    async fn list(&self) -> Vec<ObjectRef> {
        (self.before_listing)();
        self.source.list().map(Result::unwrap).collect().await
    }
}

/// Checks a source. Needs a runtime of several threads.
pub(crate) async fn check(case: &Case) {
    identifies_itself(case.source.as_ref());

    let listed = case.list().await;
    let keys: Vec<&str> = listed.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys.len(), case.objects.len(), "{keys:#?}");
    for (key, (end, bytes)) in keys.iter().zip(&case.objects) {
        assert!(key.ends_with(end.as_str()), "{key} where {end} belongs");
        assert!(!bytes.is_empty(), "an empty object tells nothing");
    }
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    assert_eq!(listed, case.list().await, "listed again");

    (case.before_listing)();
    let first = case.source.list().next().await.map(Result::unwrap);
    assert_eq!(
        first.as_ref(),
        listed.first(),
        "a listing may be left early"
    );

    for _ in 0..2 {
        reads_alike(case, &listed).await;
    }
    readers_do_not_meet(case, &listed).await;
    is_missed(case).await;
    reads_alike(case, &listed).await;

    let complaints = case.source.settled(&listed).await;
    assert!(complaints.is_empty(), "{complaints:?}");
}

fn identifies_itself(source: &dyn Source) {
    let id = source.id();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    assert!(!id.is_empty() && id.bytes().all(plain), "{id}");
    assert!(!source.location().is_empty());
}

/// Begins to read all at once, as the pipeline does, and reads them in small pieces on other threads.
async fn reads_alike(case: &Case, listed: &[ObjectRef]) {
    let reads: Vec<_> = listed
        .iter()
        .cloned()
        .map(|object| {
            let source = Arc::clone(&case.source);
            tokio::spawn(async move {
                let body = source.read(&object).await.unwrap();
                let read = tokio::task::spawn_blocking(move || in_pieces(body));
                (object, read.await.unwrap())
            })
        })
        .collect();
    for (read, (_, expected)) in reads.into_iter().zip(&case.objects) {
        let (object, read) = read.await.unwrap();
        if case.knows_sizes {
            assert_eq!(object.size, expected.len() as u64, "{}", object.key);
        }
        assert!(read == *expected, "{} has other bytes", object.key);
    }
}

/// A batch that is tried again may open an object that the failed attempt still reads.
async fn readers_do_not_meet(case: &Case, listed: &[ObjectRef]) {
    for (object, (_, expected)) in listed.iter().zip(&case.objects) {
        let mut first = case.source.read(object).await.unwrap();
        let begun = tokio::task::spawn_blocking(move || {
            let mut begin = vec![0; 1];
            first.read_exact(&mut begin).unwrap();
            (first, begin)
        });
        let (first, mut bytes) = begun.await.unwrap();
        let second = case.source.read(object).await.unwrap();
        let second = tokio::task::spawn_blocking(move || in_pieces(second));
        assert!(second.await.unwrap() == *expected, "{}", object.key);
        let rest = tokio::task::spawn_blocking(move || in_pieces(first));
        bytes.extend(rest.await.unwrap());
        assert!(bytes == *expected, "{} has two readers", object.key);
    }
}

fn in_pieces(mut body: Body) -> Vec<u8> {
    let mut read = Vec::new();
    let mut piece = [0; 1_000];
    loop {
        match body.read(&mut piece).unwrap() {
            0 => break,
            length => read.extend_from_slice(&piece[..length]),
        }
    }
    assert_eq!(body.read(&mut piece).unwrap(), 0, "an end stays one");
    read
}

async fn is_missed(case: &Case) {
    let error = match case.source.read(&case.missing).await {
        Err(error) => error,
        Ok(mut body) => tokio::task::spawn_blocking(move || body.read_to_end(&mut Vec::new()))
            .await
            .unwrap()
            .unwrap_err(),
    };
    let key = &case.missing.key;
    assert!(
        error.to_string().contains(key),
        "{error} does not name {key}"
    );
}
