//! Local files: a file, a folder (walked in order, links to folders not followed), a glob, or
//! standard input.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use futures::stream::BoxStream;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{Body, ObjectRef, Source};
use crate::digest::is_head;
use crate::error::{Error, Result};
use crate::hash::short;
use crate::hex;

/// Objects listed ahead of the reader.
const LIST_AHEAD: usize = 1_024;

/// Most paths a glob may match; a larger set is better named by its folder.
const GLOB_PATHS: usize = 100_000;

/// Local files below some paths.
#[derive(Debug)]
pub struct LocalFiles {
    id: String,
    location: String,
    roots: Vec<PathBuf>,
    skip: Option<PathBuf>,
}

impl LocalFiles {
    /// Takes a path or a glob pattern. A store inside the folder (`skip`) is not read as input.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a pattern that is malformed, matches nothing or too much;
    /// [`Error::Read`] where the path is missing or unreadable.
    pub fn new(argument: &str, skip: Option<PathBuf>) -> Result<Self> {
        let is_pattern = argument.contains(['*', '?', '[']) && !Path::new(argument).exists();
        let roots = if is_pattern {
            matches(argument)?
        } else {
            vec![absolute(Path::new(argument))?]
        };
        let location = match roots.as_slice() {
            [root] if !is_pattern => root.display().to_string(),
            _ => argument.to_owned(),
        };
        let anchor = if is_pattern {
            let here = std::env::current_dir().unwrap_or_default();
            here.join(argument).display().to_string()
        } else {
            location.clone()
        };
        Ok(Self {
            id: format!("local-{}", short(&anchor)),
            location,
            roots,
            skip,
        })
    }
}

#[async_trait]
impl Source for LocalFiles {
    fn id(&self) -> &str {
        &self.id
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        let (sender, receiver) = mpsc::channel(LIST_AHEAD);
        let (roots, skip) = (self.roots.clone(), self.skip.clone());
        tokio::task::spawn_blocking(move || {
            for root in &roots {
                // A closed channel means that nobody listens any more.
                if walk(root, skip.as_deref(), &sender).is_err() {
                    return;
                }
            }
        });
        Box::pin(futures::stream::unfold(
            receiver,
            |mut receiver| async move { receiver.recv().await.map(|object| (object, receiver)) },
        ))
    }

    async fn read(&self, object: &ObjectRef) -> std::io::Result<Body> {
        // Opening a local file does not wait.
        let file = File::open(&object.key);
        let file = file.map_err(|error| {
            std::io::Error::new(error.kind(), format!("cannot read {}: {error}", object.key))
        })?;
        Ok(Box::new(file))
    }
}

/// Standard input, spooled to an unnamed temporary file so that a batch can be read again.
#[derive(Debug)]
pub struct Stdin {
    object: ObjectRef,
    spool: Arc<File>,
}

impl Stdin {
    /// Reads `input` to its end.
    ///
    /// # Errors
    /// [`Error::Read`] where reading or spooling fails.
    pub fn spool(mut input: impl Read) -> Result<Self> {
        let failed = |source| Error::Read {
            path: PathBuf::from("-"),
            source,
        };
        let mut spool = tempfile::tempfile().map_err(failed)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut size = 0;
        loop {
            let read = input.read(&mut buffer).map_err(failed)?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            std::io::Write::write_all(&mut spool, &buffer[..read]).map_err(failed)?;
            size += read as u64;
        }
        let etag = hex(&hash.finalize());
        let object = ObjectRef {
            key: format!("stdin:{}", &etag[..16]),
            etag,
            size,
        };
        Ok(Self {
            object,
            spool: Arc::new(spool),
        })
    }
}

#[async_trait]
impl Source for Stdin {
    fn id(&self) -> &'static str {
        "stdin"
    }

    fn location(&self) -> &'static str {
        "-"
    }

    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        Box::pin(futures::stream::iter([Ok(self.object.clone())]))
    }

    async fn read(&self, object: &ObjectRef) -> std::io::Result<Body> {
        if *object != self.object {
            // Left by an earlier process that died: its input is gone with it.
            return Err(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                format!(
                    "cannot read {}: the standard input of an earlier run is gone",
                    object.key
                ),
            ));
        }
        Ok(Box::new(Spooled {
            spool: Arc::clone(&self.spool),
            position: 0,
        }))
    }
}

/// Reads a spool from a position of its own: that of the file is one for all who have it open, and a batch that is
/// tried again must not meet a reader of the attempt before.
#[derive(Debug)]
struct Spooled {
    spool: Arc<File>,
    position: u64,
}

impl Read for Spooled {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.spool.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

type Listing = mpsc::Sender<Result<ObjectRef>>;

/// The reader is gone.
struct Closed;

fn walk(path: &Path, skip: Option<&Path>, out: &Listing) -> Result<(), Closed> {
    if skip == Some(path) {
        return Ok(());
    }
    let failed = |source| {
        Err(Error::Read {
            path: path.to_owned(),
            source,
        })
    };
    let entry = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return walk_folder(path, skip, out),
        Ok(metadata) => Ok(object(path, &metadata)),
        Err(source) => failed(source),
    };
    out.blocking_send(entry).map_err(|_| Closed)
}

fn walk_folder(folder: &Path, skip: Option<&Path>, out: &Listing) -> Result<(), Closed> {
    let entries: std::io::Result<Vec<_>> = std::fs::read_dir(folder).and_then(Iterator::collect);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(source) => {
            let error = Error::Read {
                path: folder.to_owned(),
                source,
            };
            return out.blocking_send(Err(error)).map_err(|_| Closed);
        }
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // Saved beside a digest of a copied trail, for who verifies it.
        if entry.file_name().to_str().is_some_and(is_head) {
            continue;
        }
        let path = entry.path();
        let link_to_folder = entry.file_type().is_ok_and(|kind| kind.is_symlink()) && path.is_dir();
        if link_to_folder {
            tracing::warn!(path = %path.display(), "link to a folder not followed");
            continue;
        }
        walk(&path, skip, out)?;
    }
    Ok(())
}

fn object(path: &Path, metadata: &std::fs::Metadata) -> ObjectRef {
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos());
    ObjectRef {
        key: path.display().to_string(),
        etag: format!("{modified}-{}", metadata.len()),
        size: metadata.len(),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

fn matches(pattern: &str) -> Result<Vec<PathBuf>> {
    let invalid = |reason: String| Error::InvalidInput(format!("pattern {pattern}: {reason}"));
    let mut paths = Vec::new();
    for path in glob::glob(pattern).map_err(|error| invalid(error.to_string()))? {
        let path = path.map_err(|error| invalid(error.to_string()))?;
        paths.push(absolute(&path)?);
        if paths.len() > GLOB_PATHS {
            return Err(invalid(format!(
                "matches more than {GLOB_PATHS} paths; name the folder"
            )));
        }
    }
    if paths.is_empty() {
        return Err(invalid("matches nothing".to_owned()));
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
mod tests;
