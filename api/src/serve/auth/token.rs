//! Bearer tokens and the file they are kept in, hashed.
//!
//! The file has a JSON object per line. It is only ever replaced as a whole, so that a reader sees
//! the state before or after a change. Writers exclude each other by a lock on `<file>.lock`, which
//! stays where it is: removing it would let in a writer beside the one that waits for it.

mod line;

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{AuthError, Scopes};
use line::{Line, check_name, parse};

/// What every token begins with, so that people and secret scanners recognise it.
pub(super) const PREFIX: &str = "podtrail_";

/// Most bytes of a token file: some 15,000 tokens.
const MOST_BYTES: usize = 4 << 20;

/// Characters of an id: no two look alike.
const ID_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const ID_CHARS: usize = 8;

const SECRET_BYTES: usize = 32;
const SECRET_CHARS: usize = 43;

/// A token as it is kept: everything but the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Names the token, in the token itself too.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// From when on it is not accepted.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// See [`hash`].
    pub(super) sha256: [u8; 32],
}

/// A new token: shown once, kept nowhere.
pub struct Secret(String);

impl Secret {
    /// The token, to be given to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The hash of a token.
///
/// One round of SHA-256 without salt is enough: the token has 256 random bits, so that there is
/// nothing to guess or to look up, and a slow hash would only let callers burn the server's time.
pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The id in a token; `None` for a text that is not of the form `podtrail_<id>_<secret>`.
pub(super) fn id_of(token: &str) -> Option<&str> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = secret.len() == SECRET_CHARS && secret.bytes().all(is_base64);
    (fits && is_id(id)).then_some(id)
}

fn is_id(text: &str) -> bool {
    text.len() == ID_CHARS && text.bytes().all(|byte| ID_ALPHABET.contains(&byte))
}

/// The file of tokens, as those who manage it see it.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// Opens a token file. One that does not exist is created with the first token.
    ///
    /// # Errors
    /// [`AuthError::File`], [`AuthError::Malformed`] for what it contains.
    pub fn open(path: &Path) -> Result<Self, AuthError> {
        // A link stays one: what it points to is replaced.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let file = Self { path };
        file.list()?;
        Ok(file)
    }

    /// Creates a token.
    ///
    /// # Errors
    /// [`AuthError::InvalidInput`] for a name that is empty, long or of more than one line, without
    /// scopes, or for a token that is expired already; as [`TokenFile::open`] otherwise.
    pub fn create(
        &self,
        name: &str,
        scopes: Scopes,
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(TokenRecord, Secret), AuthError> {
        let refused = |reason: &str| Err(AuthError::InvalidInput(reason.to_owned()));
        if let Err(reason) = check_name(name) {
            return refused(&reason);
        }
        if scopes.is_empty() {
            return refused("a token needs a scope: read, sql or admin");
        }
        if expires_at.is_some_and(|end| end <= now) {
            return refused("the token would be expired already");
        }
        let _lock = self.lock()?;
        let mut records = self.list()?;
        let id = loop {
            let id = random_id()?;
            if records.iter().all(|record| record.id != id) {
                break id;
            }
        };
        let random = URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?);
        let secret = Secret(format!("{PREFIX}{id}_{random}"));
        let record = TokenRecord {
            id,
            name: name.to_owned(),
            scopes,
            created_at: now,
            expires_at,
            revoked_at: None,
            sha256: hash(secret.expose()),
        };
        records.push(record.clone());
        self.replace(&records)?;
        Ok((record, secret))
    }

    /// Lists the tokens, the revoked and expired ones too, in the order of their creation.
    ///
    /// # Errors
    /// As [`TokenFile::open`].
    pub fn list(&self) -> Result<Vec<TokenRecord>, AuthError> {
        match read(&self.path) {
            Ok((records, _)) => Ok(records),
            Err(AuthError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Revokes a token. One that was revoked before keeps the time of that.
    ///
    /// # Errors
    /// [`AuthError::InvalidInput`] where there is no such token; as [`TokenFile::open`] otherwise.
    pub fn revoke(&self, id: &str, now: DateTime<Utc>) -> Result<TokenRecord, AuthError> {
        let _lock = self.lock()?;
        let mut records = self.list()?;
        let Some(record) = records.iter_mut().find(|record| record.id == id) else {
            // The id is not repeated: it may be a whole token, given by mistake.
            let text = format!("{} has no token of that id", self.path.display());
            return Err(AuthError::InvalidInput(text));
        };
        if record.revoked_at.is_some() {
            return Ok(record.clone());
        }
        record.revoked_at = Some(now);
        let revoked = record.clone();
        self.replace(&records)?;
        Ok(revoked)
    }

    /// Waits until no other process or thread writes. The system lets go of it when we die.
    fn lock(&self) -> Result<File, AuthError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let locked = options.open(&path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.map_err(failed("lock", &path))
    }

    fn replace(&self, records: &[TokenRecord]) -> Result<(), AuthError> {
        let mut text = String::new();
        for record in records {
            let line = serde_json::to_string(&Line::from(record));
            let line = line.map_err(|error| AuthError::Internal(error.to_string()))?;
            text.push_str(&line);
            text.push('\n');
        }
        if text.len() > MOST_BYTES {
            let text = format!("{} is full: no more tokens fit", self.path.display());
            return Err(AuthError::InvalidInput(text));
        }
        self.replace_text(&text)
            .map_err(failed("write", &self.path))
    }

    fn replace_text(&self, text: &str) -> io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // Created with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        // A token that was shown, or revoked, must be so after a power cut as well.
        File::open(folder)?.sync_all()
    }
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a path's file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&std::fs::metadata(path)?))
    }
}

impl From<&std::fs::Metadata> for Stamp {
    fn from(metadata: &std::fs::Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Reads a token file.
///
/// # Errors
/// [`AuthError::File`] where it cannot be read or everybody may write to it,
/// [`AuthError::Malformed`] for what it contains.
pub(super) fn read(path: &Path) -> Result<(Vec<TokenRecord>, Stamp), AuthError> {
    let (bytes, stamp) = read_bytes(path).map_err(failed("read", path))?;
    let mut records = Vec::new();
    let mut ids = HashSet::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let malformed = |reason: String| AuthError::Malformed {
            path: path.to_owned(),
            line: index + 1,
            reason,
        };
        let record = parse(line).map_err(malformed)?;
        if !ids.insert(record.id.clone()) {
            return Err(malformed(format!("a second token of id {}", record.id)));
        }
        records.push(record);
    }
    Ok((records, stamp))
}

fn read_bytes(path: &Path) -> io::Result<(Vec<u8>, Stamp)> {
    let file = File::open(path)?;
    // Of what was opened, before it is read: a change from now on shows.
    let metadata = file.metadata()?;
    if metadata.mode() & 0o002 != 0 {
        return Err(io::Error::other("everybody may write to it: chmod o-w"));
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES {
        let text = format!("larger than {MOST_BYTES} bytes");
        return Err(io::Error::other(text));
    }
    Ok((bytes, Stamp::from(&metadata)))
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AuthError {
    let path = path.to_owned();
    move |source| AuthError::File { what, path, source }
}

fn random<const N: usize>() -> Result<[u8; N], AuthError> {
    let mut bytes = [0; N];
    let filled = rand::fill(&mut bytes);
    filled.map_err(|_| AuthError::Internal("the system gives no random numbers".to_owned()))?;
    Ok(bytes)
}

fn random_id() -> Result<String, AuthError> {
    let bytes = random::<ID_CHARS>()?;
    let char_of = |byte: u8| char::from(ID_ALPHABET[usize::from(byte) % ID_ALPHABET.len()]);
    Ok(bytes.into_iter().map(char_of).collect())
}

#[cfg(test)]
mod tests;
