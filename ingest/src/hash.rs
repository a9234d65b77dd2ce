//! Hashes of several values, framed so that no two lists of values give the same bytes.

use sha2::{Digest, Sha256};

use crate::hex;

/// Short name for a text: the first 64 bits of its SHA-256, in hexadecimal.
pub(crate) fn short(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..8])
}

/// Stands for a text in a set: the first 128 bits of its SHA-256.
pub(crate) fn half(text: &str) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
    half
}

/// A hash of values added one by one.
#[derive(Debug, Default)]
pub struct Framed {
    buffer: Vec<u8>,
}

impl Framed {
    /// Forgets what was added and keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Adds a value, or its absence.
    pub fn add(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.buffer.push(0),
            Some(bytes) => {
                self.buffer.push(1);
                self.buffer
                    .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                self.buffer.extend_from_slice(bytes);
            }
        }
    }

    /// Gives the first 128 bits of the SHA-256 of all values.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&Sha256::digest(&self.buffer)[..16]);
        id
    }
}
