//! The files behind the paths a user names.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::limits::{FILES, FOLDER_DEPTH};

/// A file to read.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub path: PathBuf,
    /// The folder it is in.
    pub folder: PathBuf,
    pub modified: Option<SystemTime>,
    /// Not a pipe or device, which can be read only once.
    pub regular: bool,
}

/// A path that cannot be read.
#[derive(Debug)]
pub(super) struct Refused {
    pub path: PathBuf,
    pub reason: &'static str,
    pub detail: String,
}

/// What is behind the paths.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub list: Vec<Found>,
    pub refused: Vec<Refused>,
    pub skipped: BTreeMap<&'static str, u64>,
}

/// Finds the files, each once, in the order of their names.
pub(super) fn find(paths: &[PathBuf]) -> Files {
    let mut walk = Walk::default();
    for path in paths {
        walk.path(path);
    }
    if walk.left_out > 0 {
        let detail = format!("more than {FILES} files: {} were not read", walk.left_out);
        let path = paths.first().cloned().unwrap_or_default();
        walk.refuse(&path, "too_many_files", detail);
    }
    walk.found
}

#[derive(Default)]
struct Walk {
    found: Files,
    /// Real places, so that links in circles end and nothing is read twice.
    seen: HashSet<PathBuf>,
    left_out: u64,
}

impl Walk {
    fn refuse(&mut self, path: &Path, reason: &'static str, detail: String) {
        self.found.refused.push(Refused {
            path: path.to_owned(),
            reason,
            detail,
        });
    }

    fn skip(&mut self, what: &'static str) {
        *self.found.skipped.entry(what).or_default() += 1;
    }

    fn path(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path, 0),
            Ok(metadata) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                self.file(path, folder, &metadata);
            }
            Err(error) => self.refuse(path, "unreadable", format!("cannot open: {error}")),
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) {
        if depth > FOLDER_DEPTH {
            let detail = format!("more than {FOLDER_DEPTH} folders deep");
            return self.refuse(folder, "folder_too_deep", detail);
        }
        if !self.first_time(folder) {
            return self.skip("folder_seen_before");
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                return self.refuse(folder, "unreadable", format!("cannot list: {error}"));
            }
        };
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) if paths.len() < FILES => paths.push(entry.path()),
                Ok(_) => self.left_out += 1,
                Err(error) => {
                    // A directory that fails once may fail for ever.
                    self.refuse(folder, "unreadable", format!("cannot list: {error}"));
                    break;
                }
            }
        }
        paths.sort_unstable();
        for path in paths {
            self.entry(&path, folder, depth);
        }
    }

    fn entry(&mut self, path: &Path, folder: &Path, depth: usize) {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            return self.skip("hidden_file");
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path, depth + 1),
            Ok(metadata) if metadata.is_file() => self.file(path, folder, &metadata),
            // A pipe in a folder could wait for ever.
            Ok(_) => self.skip("special_file"),
            Err(error) => self.refuse(path, "unreadable", format!("cannot open: {error}")),
        }
    }

    fn file(&mut self, path: &Path, folder: &Path, metadata: &Metadata) {
        if self.found.list.len() >= FILES {
            self.left_out += 1;
            return;
        }
        if metadata.is_file() && !self.first_time(path) {
            return self.skip("file_seen_before");
        }
        self.found.list.push(Found {
            path: path.to_owned(),
            folder: folder.to_owned(),
            modified: metadata.modified().ok(),
            regular: metadata.is_file(),
        });
    }

    fn first_time(&mut self, path: &Path) -> bool {
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.seen.insert(place)
    }
}
