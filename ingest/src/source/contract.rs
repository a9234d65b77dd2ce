//! What every source must hold to, checked against one whose content is known.

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::Arc;

use futures::StreamExt;

use super::{Body, ObjectRef, Source};

/// A source, and what is in it.
pub(crate) struct Case {
    pub(crate) source: Arc<dyn Source>,
    /// End of the key and bytes of each object, in the order of the listing.
    pub(crate) objects: Vec<(String, Vec<u8>)>,
    /// Named like an object of this source, and not there.
    pub(crate) missing: ObjectRef,
}

/// Checks a source. Needs a runtime of several threads.
pub(crate) async fn check(case: Case) {
    let Case {
        source,
        objects,
        missing,
    } = case;
    identifies_itself(source.as_ref());

    let listed = list(source.as_ref()).await;
    let keys: Vec<&str> = listed.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys.len(), objects.len(), "{keys:#?}");
    for (key, (end, bytes)) in keys.iter().zip(&objects) {
        assert!(key.ends_with(end.as_str()), "{key} where {end} belongs");
        assert!(!bytes.is_empty(), "an empty object tells nothing");
    }
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    assert_eq!(listed, list(source.as_ref()).await, "listed again");

    let first = source.list().next().await.map(Result::unwrap);
    assert_eq!(
        first.as_ref(),
        listed.first(),
        "a listing may be left early"
    );

    let bytes: Vec<Vec<u8>> = objects.into_iter().map(|(_, bytes)| bytes).collect();
    for _ in 0..2 {
        reads_alike(&source, &listed, &bytes).await;
    }
    is_missed(&source, missing).await;
    reads_alike(&source, &listed, &bytes).await;
}

fn identifies_itself(source: &dyn Source) {
    let id = source.id();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    assert!(!id.is_empty() && id.bytes().all(plain), "{id}");
    assert!(!source.location().is_empty());
}

async fn list(source: &dyn Source) -> Vec<ObjectRef> {
    source.list().map(Result::unwrap).collect().await
}

/// Begins to read all at once, as the pipeline does, and reads them in small pieces on other threads.
async fn reads_alike(source: &Arc<dyn Source>, listed: &[ObjectRef], bytes: &[Vec<u8>]) {
    let reads: Vec<_> = listed
        .iter()
        .cloned()
        .map(|object| {
            let source = Arc::clone(source);
            tokio::spawn(async move {
                let body = source.read(&object).await.unwrap();
                let read = tokio::task::spawn_blocking(move || in_pieces(body));
                (object, read.await.unwrap())
            })
        })
        .collect();
    for (read, expected) in reads.into_iter().zip(bytes) {
        let (object, read) = read.await.unwrap();
        assert_eq!(object.size, expected.len() as u64, "{}", object.key);
        assert!(read == *expected, "{} has other bytes", object.key);
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

async fn is_missed(source: &Arc<dyn Source>, missing: ObjectRef) {
    let error = match source.read(&missing).await {
        Err(error) => error,
        Ok(mut body) => tokio::task::spawn_blocking(move || body.read_to_end(&mut Vec::new()))
            .await
            .unwrap()
            .unwrap_err(),
    };
    let key = missing.key;
    assert!(
        error.to_string().contains(&key),
        "{error} does not name {key}"
    );
}
