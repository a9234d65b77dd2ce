//! The folder for what statements do not hold in memory: a process has its own, which goes with it.
//!
//! A process that is killed leaves its folder behind. While it lives it holds a lock on a file in it, which the system
//! lets go of however it ends: a folder whose lock nobody holds is nobody's, and the next process removes it.
//!
//! Not every file system has locks (some of NFS, FUSE). There, a folder has no such file: no other process can take it for
//! a leftover, and what a process leaves that is killed stays until somebody removes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use podtrail_ingest::Error;
use uuid::Uuid;

/// How the folders' names begin.
const PREFIX: &str = "podtrail-spill-";

/// File in each that is locked.
const LOCK: &str = "lock";

/// A folder, as long as it is held.
#[derive(Debug)]
pub(super) struct SpillFolder {
    path: PathBuf,
    /// None where the file system has no locks.
    lock: Option<File>,
}

impl SpillFolder {
    /// Makes a folder in the one that is named, or in the system's temporary folder, and removes there what other
    /// processes left. Where nothing can be written to the latter, there is none: nobody asked for it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where the folder that is named cannot be used.
    pub(super) fn open(named: Option<&Path>) -> Result<Option<Self>, Error> {
        let Some(named) = named else {
            return Ok(match Self::make(&std::env::temp_dir(), File::lock) {
                Ok(folder) => Some(folder),
                Err(error) => {
                    tracing::warn!(%error, "there is no folder for what statements spill");
                    None
                }
            });
        };
        Self::make(named, File::lock).map(Some).map_err(|error| {
            Error::InvalidInput(format!("--spill-folder {}: {error}", named.display()))
        })
    }

    fn make(within: &Path, lock: impl FnOnce(&File) -> io::Result<()>) -> io::Result<Self> {
        fs::create_dir_all(within)?;
        remove_leftovers(within);
        // It gets its name once it is locked: none is taken for a leftover while it is made.
        let made = tempfile::Builder::new()
            .prefix(".podtrail-")
            .tempdir_in(within)?;
        let path = within.join(format!("{PREFIX}{}", Uuid::new_v4()));
        let locked = made.path().join(LOCK);
        let file = File::create(&locked)?;
        let lock = match lock(&file) {
            Ok(()) => Some(file),
            Err(error) => {
                // Locks may work for the next process: it must not find one that nobody holds.
                drop(file);
                fs::remove_file(locked)?;
                tracing::warn!(
                    %error,
                    folder = %path.display(),
                    "files cannot be locked here: should this process be killed, remove the folder of what its \
                     statements spill"
                );
                None
            }
        };
        fs::rename(made.path(), &path)?;
        // Nothing is left at its first name.
        let _ = made.keep();
        Ok(Self { path, lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        // NFS keeps a file that is open, under another name.
        drop(self.lock.take());
        // What cannot be removed now is a leftover for the next process.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn remove_leftovers(within: &Path) {
    let Ok(entries) = fs::read_dir(within) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !ours {
            continue;
        }
        let lock = entry.path().join(LOCK);
        // Whoever put something else there, a pipe for example, would have us wait for it.
        if !fs::symlink_metadata(&lock).is_ok_and(|lock| lock.is_file()) {
            continue;
        }
        // NFS locks only what is open for writing.
        let Ok(lock) = File::options().write(true).open(lock) else {
            continue;
        };
        if lock.try_lock().is_err() {
            continue;
        }
        // Held until it is gone, so that it is removed once; but NFS keeps a file that is open.
        let removed = fs::remove_dir_all(entry.path()).or_else(|_| {
            drop(lock);
            fs::remove_dir_all(entry.path())
        });
        if let Err(error) = removed {
            tracing::warn!(%error, folder = %entry.path().display(), "a leftover is not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_removed_and_nothing_else() {
        let within = tempfile::tempdir().unwrap();
        let place = |name: &str| within.path().join(name);
        for name in ["podtrail-spill-dead", "podtrail-spill-none", "other"] {
            fs::create_dir(place(name)).unwrap();
            fs::write(place(name).join("data"), "spilled").unwrap();
        }
        // Without its lock it is not known whose it is.
        for name in ["podtrail-spill-dead", "other"] {
            fs::write(place(name).join(LOCK), "").unwrap();
        }
        fs::write(place("podtrail-spill-file"), "").unwrap();
        let first = SpillFolder::open(Some(within.path())).unwrap().unwrap();
        let second = SpillFolder::open(Some(within.path())).unwrap().unwrap();
        let there = || {
            let entries = fs::read_dir(within.path()).unwrap();
            let mut names: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            names.sort();
            names
        };
        let others = ["other", "podtrail-spill-file", "podtrail-spill-none"].map(place);
        let mut wanted = others.to_vec();
        wanted.extend([first.path().to_owned(), second.path().to_owned()]);
        wanted.sort();
        assert_eq!(there(), wanted);
        fs::write(first.path().join("data"), "spilled").unwrap();
        drop((first, second));
        assert_eq!(there(), others);
    }

    #[test]
    fn where_files_cannot_be_locked_a_folder_is_left_to_its_process() {
        let within = tempfile::tempdir().unwrap();
        for kind in [io::ErrorKind::Unsupported, io::ErrorKind::Other] {
            let unlocked = SpillFolder::make(within.path(), |_| Err(kind.into())).unwrap();
            fs::write(unlocked.path().join("data"), "spilled").unwrap();
            // One that can lock does not take it for a leftover.
            let other = SpillFolder::open(Some(within.path())).unwrap();
            assert!(unlocked.path().join("data").is_file(), "{kind}");
            drop((unlocked, other));
            assert_eq!(fs::read_dir(within.path()).unwrap().count(), 0, "{kind}");
        }
    }

    #[test]
    fn a_folder_that_is_named_has_to_be_one() {
        let within = tempfile::tempdir().unwrap();
        let file = within.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = SpillFolder::open(Some(&file)).unwrap_err().to_string();
        assert!(refused.contains("--spill-folder"), "{refused}");
        let new = SpillFolder::open(Some(&within.path().join("a/b"))).unwrap();
        assert!(new.is_some_and(|folder| folder.path().is_dir()));
    }
}
