use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn body(chunks: &[&[u8]]) -> BoxStream<'static, io::Result<Bytes>> {
    let chunks: Vec<_> = chunks
        .iter()
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    futures::stream::iter(chunks).boxed()
}

fn hash(bytes: &[u8]) -> String {
    crate::hex(&Sha256::digest(bytes))
}

#[tokio::test]
async fn any_cut_into_chunks_gives_the_same() {
    let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut stored = gzip(&text[..200_000]);
    stored.extend(gzip(&text[200_000..]));
    for size in [1, 7, 4_096, stored.len()] {
        let chunks: Vec<_> = stored.chunks(size).collect();
        let content = inflate(body(&chunks), u64::MAX, true).await.unwrap();
        assert_eq!(content.hash, hash(&text));
        assert_eq!(content.bytes, text);
    }
    let plain = inflate(body(&[&text]), u64::MAX, false).await.unwrap();
    assert_eq!((plain.hash, plain.bytes), (hash(&text), Vec::new()));
}

#[tokio::test]
async fn every_cut_is_corrupt() {
    let stored = gzip(b"some text that is long enough");
    for end in 2..stored.len() {
        let cut = inflate(body(&[&stored[..end]]), u64::MAX, false).await;
        assert!(matches!(cut, Err(Failure::Corrupt(_))), "{end}: {cut:?}");
    }
}

#[tokio::test]
async fn limits_hold_for_gzip_and_plain() {
    let text = vec![b'x'; 1_000_000];
    for stored in [gzip(&text), text.clone()] {
        let over = inflate(body(&[&stored]), 999_999, true).await;
        assert_eq!(over, Err(Failure::TooLarge(999_999)));
        assert!(inflate(body(&[&stored]), 1_000_000, false).await.is_ok());
    }
}

#[tokio::test]
async fn a_failing_body_is_unreadable() {
    let stored = gzip(b"text");
    let chunks = vec![
        Ok(Bytes::copy_from_slice(&stored)),
        Err(io::Error::other("connection reset")),
    ];
    let failed = inflate(futures::stream::iter(chunks).boxed(), u64::MAX, false).await;
    assert_eq!(
        failed,
        Err(Failure::Unreadable("connection reset".to_owned()))
    );
}
