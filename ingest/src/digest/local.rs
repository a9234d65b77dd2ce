//! A copy of a trail's bucket, or of a part of it, in a folder.
//!
//! `aws s3 sync` does not copy object metadata, where digests have their signatures. It is kept by
//! saving, beside a digest, what `aws s3api head-object` prints, under the digest's name with
//! `.head.json` appended. Only the newest digest of each chain needs it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::layout::DigestName;
use super::proof::{Fetched, fetch};
use super::vault::{Got, Listed, Vault};
use crate::error::{Error, Result};

/// Appended to the name of an object for the file with its metadata.
const HEAD: &str = ".head.json";

/// True for a file that holds the metadata of a digest.
pub(crate) fn is_head(name: &str) -> bool {
    name.ends_with(HEAD) && name.contains("_CloudTrail-Digest_")
}

/// Largest file of metadata, in bytes.
const HEAD_BYTES: u64 = 64 << 10;

/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// Objects listed ahead of the reader.
const LIST_AHEAD: usize = 1_024;

/// Digests read to learn where in the bucket the folder was copied from.
const SAMPLES: usize = 16;

/// Largest digest read for that, in bytes.
const SAMPLE_BYTES: u64 = 64 << 20;

/// A folder that holds a copy of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFolder {
    root: PathBuf,
    base: String,
    bucket: Option<String>,
}

/// What `aws s3api head-object` prints, as far as it counts.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "Metadata", default)]
    metadata: BTreeMap<String, String>,
}

impl LocalFolder {
    /// Takes a folder to which the keys that begin with `base` were copied, without it: `base` is
    /// empty for a copy of the whole bucket, else ends with `/`. With a bucket, objects of other
    /// buckets are refused as unreadable; without, the copy stands for any.
    #[must_use]
    pub fn new(root: PathBuf, base: String, bucket: Option<String>) -> Self {
        Self { root, base, bucket }
    }

    /// Takes a folder and finds the rest out from what the digests in it say of themselves.
    ///
    /// # Errors
    /// [`Error::Read`] where the folder cannot be read; [`Error::InvalidInput`] where no digest in
    /// it tells where it belongs.
    pub async fn open(root: PathBuf, bucket: Option<String>) -> Result<Self> {
        let raw = Self::new(root, String::new(), None);
        let metadata = tokio::fs::metadata(&raw.root).await;
        metadata.map_err(|source| Error::Read {
            path: raw.root.clone(),
            source,
        })?;
        let mut sampled = 0;
        let mut objects = raw.list(None, "");
        while let Some(object) = objects.next().await {
            let Ok(Listed { key, .. }) = object else {
                continue;
            };
            if !key.contains("_CloudTrail-Digest_") || !key.ends_with(".json.gz") {
                continue;
            }
            sampled += 1;
            if sampled > SAMPLES {
                break;
            }
            let Fetched::Read(digest) = fetch(&raw, None, &key, SAMPLE_BYTES).await else {
                continue;
            };
            let file = digest.file;
            let base = file.key.strip_suffix(key.as_str());
            let base = base.filter(|base| base.is_empty() || base.ends_with('/'));
            if let (Some(base), Some(_)) = (base, DigestName::parse(&file.key)) {
                let base = base.to_owned();
                return Ok(Self::new(raw.root, base, bucket));
            }
        }
        Err(Error::InvalidInput(format!(
            "{}: no digest that tells where it belongs; copy the folders CloudTrail and \
             CloudTrail-Digest together, with their names",
            raw.root.display()
        )))
    }

    /// What the keys in the folder begin with in the bucket.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    fn check(&self, bucket: Option<&str>) -> io::Result<()> {
        match (&self.bucket, bucket) {
            (Some(own), Some(bucket)) if own != bucket => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("bucket {bucket} is not part of this copy of {own}"),
            )),
            _ => Ok(()),
        }
    }

    /// The path of a key; `None` where the copy cannot have it.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let below = key.strip_prefix(self.base.as_str())?;
        let mut path = self.root.clone();
        for part in below.split('/') {
            // A digest may name any key: none leads out of the folder.
            if part.is_empty() || part == "." || part == ".." || part.contains(['\\', ':', '\0']) {
                return None;
            }
            path.push(part);
        }
        Some(path)
    }

    /// The folder to walk for a prefix, which may end in the middle of a name.
    fn folder(&self, prefix: &str) -> Option<PathBuf> {
        if self.base.starts_with(prefix) {
            return Some(self.root.clone());
        }
        let folder = &prefix[..=prefix.rfind('/')?];
        match folder.strip_suffix('/') {
            Some(_) if folder == self.base => Some(self.root.clone()),
            Some(folder) => self.path(folder),
            None => None,
        }
    }

    async fn read(self, key: String) -> io::Result<Option<Got>> {
        let Some(path) = self.path(&key) else {
            return Ok(None);
        };
        let file = match File::open(&path).await {
            Ok(file) if file.metadata().await?.is_file() => file,
            Ok(_) => return Ok(None),
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(told(&path, &error)),
        };
        let metadata = head(&path).await?;
        let body = futures::stream::try_unfold(file, |mut file| async move {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            let read = file.read_buf(&mut chunk).await?;
            Ok((read > 0).then(|| (Bytes::from(chunk), file)))
        });
        Ok(Some(Got {
            metadata,
            body: body.boxed(),
        }))
    }

    /// Folders directly in a prefix, by their full prefixes.
    async fn subfolders(self, prefix: String) -> io::Result<Vec<String>> {
        // Above the copy there is but the way down to it.
        if let Some(rest) = self.base.strip_prefix(prefix.as_str())
            && let Some((part, _)) = rest.split_once('/')
        {
            return Ok(vec![format!("{prefix}{part}/")]);
        }
        let Some(path) = self.folder(&prefix) else {
            return Ok(Vec::new());
        };
        let mut folders = Vec::new();
        let mut entries = match tokio::fs::read_dir(&path).await {
            Ok(entries) => entries,
            Err(error) if absent(&error) => return Ok(folders),
            Err(error) => return Err(told(&path, &error)),
        };
        while let Some(entry) = entries.next_entry().await? {
            if entry.file_type().await?.is_dir()
                && let Some(name) = entry.file_name().to_str()
            {
                folders.push(format!("{prefix}{name}/"));
            }
        }
        folders.sort();
        Ok(folders)
    }
}

impl Vault for LocalFolder {
    fn list(&self, bucket: Option<&str>, prefix: &str) -> BoxStream<'static, io::Result<Listed>> {
        if let Err(error) = self.check(bucket) {
            return futures::stream::iter([Err(error)]).boxed();
        }
        let Some(folder) = self.folder(prefix) else {
            return futures::stream::empty().boxed();
        };
        let (sender, receiver) = mpsc::channel(LIST_AHEAD);
        let (copy, prefix) = (self.clone(), prefix.to_owned());
        tokio::task::spawn_blocking(move || {
            // A closed channel means that nobody listens any more.
            let _ = walk(&copy, &folder, &prefix, &sender);
        });
        futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|object| (object, receiver))
        })
        .boxed()
    }

    fn folders(
        &self,
        bucket: Option<&str>,
        prefix: &str,
    ) -> BoxFuture<'static, io::Result<Vec<String>>> {
        let (copy, prefix, checked) = (self.clone(), prefix.to_owned(), self.check(bucket));
        async move {
            checked?;
            copy.subfolders(prefix).await
        }
        .boxed()
    }

    fn name(&self, _bucket: Option<&str>, key: &str) -> String {
        let path = self.path(key);
        path.map_or_else(|| key.to_owned(), |path| path.display().to_string())
    }

    fn get(&self, bucket: Option<&str>, key: &str) -> BoxFuture<'static, io::Result<Option<Got>>> {
        let (copy, key, checked) = (self.clone(), key.to_owned(), self.check(bucket));
        async move {
            checked?;
            copy.read(key).await
        }
        .boxed()
    }
}

type Listing = mpsc::Sender<io::Result<Listed>>;

/// The reader is gone.
struct Closed;

fn walk(copy: &LocalFolder, folder: &Path, prefix: &str, out: &Listing) -> Result<(), Closed> {
    let entries: io::Result<Vec<_>> = std::fs::read_dir(folder).and_then(Iterator::collect);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) if absent(&error) => return Ok(()),
        Err(error) => {
            let error = Err(told(folder, &error));
            return out.blocking_send(error).map_err(|_| Closed);
        }
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let size = match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                walk(copy, &path, prefix, out)?;
                continue;
            }
            _ => path.metadata().map(|metadata| metadata.len()),
        };
        let below = path.strip_prefix(&copy.root).ok().and_then(Path::to_str);
        let Some(key) = below.map(|below| format!("{}{below}", copy.base)) else {
            continue;
        };
        if key.ends_with(HEAD) || !key.starts_with(prefix) {
            continue;
        }
        let object = size
            .map(|size| Listed { key, size })
            .map_err(|error| told(&path, &error));
        out.blocking_send(object).map_err(|_| Closed)?;
    }
    Ok(())
}

/// Reads the metadata saved beside an object; empty where there is none.
async fn head(path: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut beside = OsString::from(path);
    beside.push(HEAD);
    let beside = PathBuf::from(beside);
    let file = match File::open(&beside).await {
        Ok(file) => file,
        Err(error) if absent(&error) => return Ok(BTreeMap::new()),
        Err(error) => return Err(told(&beside, &error)),
    };
    let mut text = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut text).await?;
    let head: Head = serde_json::from_slice(&text).map_err(|error| {
        let reason = format!(
            "{} is not the output of head-object: {error}",
            beside.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, reason)
    })?;
    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
    Ok(head.metadata.into_iter().map(lower).collect())
}

fn absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

fn told(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
