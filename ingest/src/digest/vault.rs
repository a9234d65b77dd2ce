//! Where digests and logs are read from: S3, a folder, anything that lists and gets.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// An object seen in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The full key.
    pub key: String,
    /// Bytes as stored.
    pub size: u64,
}

/// An object opened for reading.
pub struct Got {
    /// User metadata without the prefix `x-amz-meta-`, names in lower case.
    pub metadata: BTreeMap<String, String>,
    /// The bytes as stored. An error ends it.
    pub body: BoxStream<'static, io::Result<Bytes>>,
}

impl std::fmt::Debug for Got {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Got")
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

/// A store of digests and logs.
///
/// Errors are told in words that name the bucket, the cause and, where a permission is missing,
/// the IAM action (`s3:ListBucket`, `s3:GetObject`, `kms:Decrypt`). An object that is not there is
/// never an error, and one that cannot be told to be there or not (S3 answers 403 for a missing
/// key without `s3:ListBucket`) always is. Retries are the vault's own affair. A `bucket` of
/// `None` stands for the only bucket of a vault that does not know its name.
pub trait Vault: Send + Sync + std::fmt::Debug {
    /// Lists all objects whose key begins with `prefix`, in the order of their keys.
    fn list(&self, bucket: Option<&str>, prefix: &str) -> BoxStream<'static, io::Result<Listed>>;

    /// Names the folders directly in `prefix` (S3's common prefixes with the delimiter `/`): full
    /// prefixes with a final `/`, sorted.
    fn folders(
        &self,
        bucket: Option<&str>,
        prefix: &str,
    ) -> BoxFuture<'static, io::Result<Vec<String>>>;

    /// Names an object, or a folder without its final `/`, as the source does that reads it.
    fn name(&self, bucket: Option<&str>, key: &str) -> String;

    /// Opens an object; `None` where it does not exist.
    fn get(&self, bucket: Option<&str>, key: &str) -> BoxFuture<'static, io::Result<Option<Got>>>;
}
