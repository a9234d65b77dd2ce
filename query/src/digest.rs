//! One short name for several texts, or for bytes.

use sha2::{Digest, Sha256};

/// Hexadecimal digits of a SHA-256 that stand for the texts: 96 bits.
const CHARS: usize = 24;

/// Gives the digest of bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    let mut digest = format!("{:x}", Sha256::digest(bytes));
    digest.truncate(CHARS);
    digest
}

/// Gives the digest of texts, which is another where one of them, their number or their order is.
pub(crate) fn short<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        let text = text.as_ref();
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    let mut digest = format!("{:x}", hash.finalize());
    digest.truncate(CHARS);
    digest
}
